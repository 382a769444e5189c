//go:build libraries

package libraries

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A toolset is where a library was installed and how to run a program of it.
type toolset struct {
	source string   // the library's directory here
	home   string   // where it was installed
	env    []string // for its programs
}

// bin returns the path of a program that came with the library.
func (s toolset) bin(name string) string { return filepath.Join(s.home, "bin", name) }

// file returns the path of a file in the library's directory.
func (s toolset) file(name string) string { return filepath.Join(s.source, name) }

// cached returns a directory for what is installed from files, which pin its
// versions. It calls fill unless an earlier run has.
func cached(t *testing.T, name string, files []string, fill func(dir string)) string {
	t.Helper()
	hash := sha256.New()
	for _, f := range files {
		content, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		hash.Write(content)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "trivet-libraries", fmt.Sprintf("%s-%x", name, hash.Sum(nil)[:6]))
	done := filepath.Join(dir, "installed")
	if _, err := os.Stat(done); err == nil {
		return dir
	}
	os.RemoveAll(dir)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	fill(dir)
	if err := os.WriteFile(done, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

// command runs a program of an installation, and fails the test with its output.
func command(t *testing.T, dir, name string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s %v: %v\n%s", name, args, err, out)
	}
}

func absolute(t *testing.T, path string) string {
	t.Helper()
	full, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return full
}
