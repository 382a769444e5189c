package store

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// A process that ends in the middle of an entry is known to have done so; the
// second time the entry is not tried again, however often it is started.
func TestApplying(t *testing.T) {
	if dir := os.Getenv("TRIVET_TEST_APPLYING"); dir != "" {
		a, err := openApplying(dir)
		if err != nil || !a.Begin(6) {
			os.Exit(3)
		}
		a.End(6)
		if !a.Begin(7) {
			os.Exit(4)
		}
		var none *Applying
		none.End(7) // the process ends here
	}
	dir := t.TempDir()
	dies := func() int {
		t.Helper()
		c := exec.Command(os.Args[0], "-test.run", "^TestApplying$")
		c.Env = append(os.Environ(), "TRIVET_TEST_APPLYING="+dir)
		c.Run()
		return c.ProcessState.ExitCode()
	}
	open := func() *Applying {
		t.Helper()
		a, err := openApplying(dir)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { a.close() })
		return a
	}
	for i, want := range []int{2, 2, 4, 4} { // 2 is a panic's status
		if got := dies(); got != want {
			t.Fatalf("run %d ends with %d, want %d", i, got, want)
		}
	}
	a := open()
	if a.Begin(7) || !a.Begin(8) {
		t.Error("an entry is tried that has ended the process twice, or another is not")
	}
	a.End(8)
	if open().Begin(7) {
		t.Error("forgotten by the next start")
	}
	// One death, then it goes well: the next death is the first.
	if err := os.Remove(filepath.Join(dir, applyingName)); err != nil {
		t.Fatal(err)
	}
	dies()
	a = open()
	if !a.Begin(7) {
		t.Fatal("one death is too many")
	}
	a.End(7)
	a.close()
	dies()
	if !open().Begin(7) {
		t.Error("a death counts that was made good")
	}
}
