package backup

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"time"
)

func TestHeader(t *testing.T) {
	want := Header{Cluster: "c", Index: 7, Time: time.Date(2026, 11, 22, 20, 41, 0, 0, time.UTC), Version: "1.2.3", Keys: 9}
	b, err := want.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := bytes.NewReader(append(b, "state"...))
	if got, err := Read(r); err != nil || got != want {
		t.Errorf("got %+v, %v", got, err)
	}
	if rest, _ := io.ReadAll(r); string(rest) != "state" {
		t.Errorf("left: %q", rest)
	}
	for i := range b {
		bad := bytes.Clone(b)
		bad[i] ^= 1
		if got, err := Read(bytes.NewReader(bad)); err == nil {
			t.Errorf("byte %d changed: %+v", i, got)
		}
		if _, err := Read(bytes.NewReader(b[:i])); !errors.Is(err, ErrFormat) {
			t.Errorf("%d bytes: %v", i, err)
		}
	}
	b[len(magic)]++
	if _, err := Read(bytes.NewReader(b)); !errors.Is(err, ErrNewer) {
		t.Errorf("newer: %v", err)
	}
}
