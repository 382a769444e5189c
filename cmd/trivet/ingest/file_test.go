package ingest

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trivetdb/trivet/fsm/rdb"
	"github.com/trivetdb/trivet/test/cluster"
)

func TestMain(m *testing.M) {
	os.Exit(cluster.Main(m, func(testing.TB) {}))
}

// text returns a value that is a string.
func text(s string) rdb.Value { return rdb.Value{Str: s} }

// save writes an RDB file.
func save(t *testing.T, library string, keys ...rdb.Key) string {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "dump.rdb"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w := rdb.NewWriter(f)
	if library != "" {
		w.Library(library)
	}
	for _, k := range keys {
		w.Write(&k)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

// readAll reads a source to its end and closes it.
func readAll(t *testing.T, s Source) (records []*Record, err error) {
	t.Helper()
	defer s.Close()
	for {
		r, err := s.Next(t.Context())
		if err == io.EOF {
			return records, nil
		}
		if err != nil {
			return records, err
		}
		records = append(records, r)
	}
}

func openFile(t *testing.T, path string) Source {
	t.Helper()
	s, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestFile(t *testing.T) {
	future := time.Now().Add(time.Hour).UnixMilli()
	path := save(t, "#!lua name=lib",
		rdb.Key{Name: "a", Value: text("v")}, rdb.Key{Name: "late", ExpireAt: 5, Value: text("w")},
		rdb.Key{DB: 7, Name: "b", ExpireAt: future, Value: rdb.Value{Kind: rdb.List, Elems: []string{"x", "y"}}})
	s := openFile(t, path)
	records, err := readAll(t, s)
	if err != nil || len(records) != 4 {
		t.Fatalf("%d records, %v", len(records), err)
	}
	lib, a, late, b := records[0], records[1], records[2], records[3]
	if lib.Library != "#!lua name=lib" || lib.DB != allDatabases || lib.name() != "functions" {
		t.Errorf("the library: %+v", lib)
	}
	if v, err := rdb.ParseDump(a.Payload); err != nil || v.Str != "v" || a.Key != "a" || a.DB != 0 || a.ExpireAt != 0 || a.Skip+a.Fault != "" {
		t.Errorf("a: %+v, %v", a, err)
	}
	if late.Skip != expired || late.Key != "late" {
		t.Errorf("late: %+v", late)
	}
	if v, err := rdb.ParseDump(b.Payload); err != nil || !slices.Equal(v.Elems, []string{"x", "y"}) || b.DB != 7 || b.ExpireAt != future {
		t.Errorf("b: %+v, %v", b, err)
	}
	if s.Done() != 1 {
		t.Errorf("done: %v", s.Done())
	}
}

// TestOneDatabase reads only what is wanted.
func TestOneDatabase(t *testing.T) {
	path := save(t, "#!lua name=lib", rdb.Key{Name: "a", Value: text("v")}, rdb.Key{DB: 7, Name: "b", Value: text("v")})
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := newFile(f, 7)
	if err != nil {
		t.Fatal(err)
	}
	records, err := readAll(t, s)
	if err != nil || len(records) != 2 || records[0].Library == "" || records[1].Key != "b" {
		t.Errorf("got %+v, %v", records, err)
	}
}

// TestModule passes over a key that only a module of Redis can read.
func TestModule(t *testing.T) {
	module := "\x07\x01m" + "\x81\x25\x2f\x31\x83\x5f\x7b\x28\x01" + "\x01\x05\x00"
	path := filepath.Join(t.TempDir(), "dump.rdb")
	data := "REDIS0009\xfe\x05" + module + "\x00\x01b\x01w\xff" + strings.Repeat("\x00", 8)
	if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
		t.Fatal(err)
	}
	records, err := readAll(t, openFile(t, path))
	if err != nil || len(records) != 2 {
		t.Fatalf("got %+v, %v", records, err)
	}
	if m := records[0]; !strings.Contains(m.Fault, "module") || m.name() != `database 5, key "m"` {
		t.Errorf("got %+v", m)
	}
	if records[1].Key != "b" || records[1].Fault != "" {
		t.Errorf("got %+v", records[1])
	}
}

// TestDamaged yields what is before the damage, and an error.
func TestDamaged(t *testing.T) {
	path := save(t, "", rdb.Key{Name: "a", Value: text("v")}, rdb.Key{Name: "b", Value: text("v")})
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	data[len(data)-1]++
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	if records, err := readAll(t, openFile(t, path)); !errors.Is(err, rdb.ErrChecksum) || len(records) != 2 {
		t.Errorf("a wrong checksum: %d records, %v", len(records), err)
	}
	if err := os.WriteFile(path, data[:len(data)-12], 0o600); err != nil {
		t.Fatal(err)
	}
	if records, err := readAll(t, openFile(t, path)); !errors.Is(err, rdb.ErrFormat) || len(records) != 1 {
		t.Errorf("cut off: %d records, %v", len(records), err)
	}
	if _, err := OpenFile(path + ".none"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
}
