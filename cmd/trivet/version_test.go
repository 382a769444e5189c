package main

import (
	"os/exec"
	"path/filepath"
	"testing"
)

func TestVersion(t *testing.T) {
	want := "trivet " + readBuild().String() + "\n"
	for _, args := range []string{"version", "--version"} {
		if got := mustCall(t, args); got != want {
			t.Errorf("trivet %s: %q", args, got)
		}
	}
	for _, c := range []struct {
		b    build
		want string
	}{
		{build{version: "dev"}, "dev"},
		{build{version: "1.2.3", date: "today"}, "1.2.3 (today)"},
		{build{version: "1.2.3", commit: "abc", date: "today"}, "1.2.3 (commit abc, today)"},
		{build{version: "dev-abc", commit: "abc", changed: true}, "dev-abc (commit abc with changes)"},
	} {
		if got := c.b.String(); got != c.want {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

// TestVersionSet builds the program as an image is built.
func TestVersionSet(t *testing.T) {
	bin := filepath.Join(t.TempDir(), "trivet")
	build := exec.Command("go", "build", "-o", bin, "-ldflags", "-X main.version=1.2.3 -X main.commit=0123456 -X main.date=2026-01-31T12:00:00Z", ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command(bin, "version").CombinedOutput()
	if want := "trivet 1.2.3 (commit 0123456, 2026-01-31T12:00:00Z)\n"; err != nil || string(out) != want {
		t.Errorf("got %q, %v, want %q", out, err, want)
	}
}
