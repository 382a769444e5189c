package store

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestUserNames(t *testing.T) {
	dir := t.TempDir()
	open := func() *Dir {
		d, err := Open(Options{Path: dir, Name: "a"})
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	d := open()
	if names, err := d.UserNames(); names != nil || err != nil {
		t.Errorf("at first: %v, %v", names, err)
	}
	for _, want := range [][]string{{"ann", "joe"}, {"joe"}, nil, {"ann"}} {
		if err := d.SetUserNames(want); err != nil {
			t.Fatal(err)
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
		d = open()
		if names, err := d.UserNames(); !slices.Equal(names, want) || err != nil {
			t.Errorf("got %v, %v, want %v", names, err, want)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, userNames), []byte("["), 0o600); err != nil {
		t.Fatal(err)
	}
	if names, err := d.UserNames(); names != nil || err == nil {
		t.Errorf("half a file: %v, %v", names, err)
	}
	if err := d.SetUserNames([]string{"joe"}); err != nil {
		t.Errorf("it is not mended: %v", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
}
