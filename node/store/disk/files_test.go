package disk

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	walfs "github.com/hashicorp/raft-wal/fs"
	"github.com/hashicorp/raft-wal/types"
)

const testSize = 16 << 20

// write appends chunks up to a size and returns what the file must begin with.
func write(t *testing.T, f types.WritableFile, want []byte, random *rand.Rand, to int) []byte {
	t.Helper()
	for len(want) < to {
		b := make([]byte, 1+random.IntN(1<<(4+random.IntN(16))))
		for i := range b {
			b[i] = byte(1 + random.IntN(255))
		}
		if _, err := f.WriteAt(b, int64(len(want))); err != nil {
			t.Fatal(err)
		}
		want = append(want, b...)
		if random.IntN(8) == 0 {
			if err := f.Sync(); err != nil {
				t.Fatal(err)
			}
		}
	}
	return want
}

// TestAppends checks that a file holds what was written and zeros, however the
// two writers meet, also where it is closed and opened again.
func TestAppends(t *testing.T) {
	for seed := range uint64(8) {
		dir, random := t.TempDir(), rand.New(rand.NewPCG(seed, 0))
		v := &Files{}
		f, err := v.Create(dir, "log", testSize)
		if err != nil {
			t.Fatal(err)
		}
		var want []byte
		for _, to := range []int{1000, 100_000, 6 << 20, testSize - 2<<20, testSize + 1000} {
			want = write(t, f, want, random, to)
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
			got, err := os.ReadFile(filepath.Join(dir, "log"))
			if err != nil {
				t.Fatal(err)
			}
			if len(got) < testSize || !bytes.HasPrefix(got, want) {
				t.Fatalf("seed %d: %d bytes were written and are not read from the %d of the file", seed, len(want), len(got))
			}
			if rest := got[len(want):]; !bytes.Equal(rest, make([]byte, len(rest))) {
				t.Fatalf("seed %d: there is something beyond what was written", seed)
			}
			if f, err = v.OpenWriter(dir, "log"); err != nil {
				t.Fatal(err)
			}
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTaken checks that a file that exists is not written over, and one that does
// not is not made.
func TestTaken(t *testing.T) {
	dir, v := t.TempDir(), &Files{}
	if err := os.WriteFile(filepath.Join(dir, "log"), []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Create(dir, "log", testSize); !errors.Is(err, fs.ErrExist) {
		t.Errorf("Create: %v", err)
	}
	if _, err := v.OpenWriter(dir, "other"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("OpenWriter: %v", err)
	}
}

// TestZeros checks that the blocks beyond what was written are zeroed, in good
// time, and that they are no more than they should be.
func TestZeros(t *testing.T) {
	dir, v := t.TempDir(), &Files{}
	opened, err := v.Create(dir, "log", testSize)
	if err != nil {
		t.Fatal(err)
	}
	f := opened.(*file)
	defer f.Close()
	zeroed := func() (int64, bool) {
		f.zeros.mu.Lock()
		defer f.zeros.mu.Unlock()
		return f.zeros.zeroed, f.zeros.running
	}
	random := rand.New(rand.NewPCG(1, 1))
	var want []byte
	for _, to := range []int{1, 3 << 20, 9 << 20, testSize - ahead/4, testSize} {
		want = write(t, f, want, random, to)
		atLeast := min(int64(len(want))+ahead/2, testSize)
		for start := time.Now(); ; time.Sleep(time.Millisecond) {
			at, running := zeroed()
			if !running && at >= atLeast && at <= max(int64(len(want))+ahead+block, testSize) {
				break
			}
			if time.Since(start) > time.Minute {
				t.Fatalf("%d bytes written, and the file is zeroed up to %d", len(want), at)
			}
		}
	}
}

// BenchmarkAppend appends what 50 clients write at once, and waits for the disk.
func BenchmarkAppend(b *testing.B) {
	for name, v := range map[string]types.VFS{"trivet": &Files{}, "raft-wal": walfs.New()} {
		b.Run(name, func(b *testing.B) {
			const size = 4000
			chunk := bytes.Repeat([]byte("x"), size)
			var f types.WritableFile
			at := int64(64 << 20)
			for i := 0; b.Loop(); i++ {
				if at+size > 64<<20 {
					if f != nil {
						_ = f.Close()
					}
					var err error
					if f, err = v.Create(b.TempDir(), "log", 64<<20); err != nil {
						b.Fatal(err)
					}
					at = 0
				}
				if _, err := f.WriteAt(chunk, at); err != nil {
					b.Fatal(err)
				}
				if err := f.Sync(); err != nil {
					b.Fatal(err)
				}
				at += size
			}
			_ = f.Close()
		})
	}
}

// TestFree checks that a file is emptied where it has no name, and left as it is
// where it has one.
func TestFree(t *testing.T) {
	dir := t.TempDir()
	open := func(name string) *os.File {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, make([]byte, 3*freeStep+1), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(path, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	size := func(f *os.File) int64 {
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	kept := open("kept")
	if err := os.Rename(kept.Name(), filepath.Join(dir, "renamed")); err != nil {
		t.Fatal(err)
	}
	renamed, err := os.Open(filepath.Join(dir, "renamed"))
	if err != nil {
		t.Fatal(err)
	}
	defer renamed.Close()
	gone, watched := open("gone"), open("gone")
	defer watched.Close()
	if err := os.Remove(gone.Name()); err != nil {
		t.Fatal(err)
	}
	Free(kept)
	Free(gone)
	for start := time.Now(); size(watched) > freeStep; time.Sleep(time.Millisecond) {
		if time.Since(start) > time.Minute {
			t.Fatalf("the removed file still has %d bytes", size(watched))
		}
	}
	if n := size(renamed); n != 3*freeStep+1 {
		t.Errorf("the file that has a name has %d bytes", n)
	}
	if _, err := kept.Stat(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("the file that has a name is not closed: %v", err)
	}
}
