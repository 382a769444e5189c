package rdb

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// sampleFile returns a file with a key for each sample, and the keys.
func sampleFile(t testing.TB) ([]byte, []Key) {
	t.Helper()
	names := make([]string, 0, len(samples))
	for name := range samples {
		if name != "stream-3" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var b bytes.Buffer
	var keys []Key
	w := NewWriter(&b)
	w.Library("#!lua name=lib")
	for i, name := range names {
		k := Key{DB: i / 9, Name: name, ExpireAt: int64(i%2) * 1700000000123, Value: samples[name]}
		keys = append(keys, k)
		if err := w.Write(&k); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes(), keys
}

func readAll(r *Reader) (keys []Key, err error) {
	for {
		k, err := r.Next()
		if err != nil {
			return keys, err
		}
		keys = append(keys, *k)
	}
}

func TestWriterAndReader(t *testing.T) {
	data, want := sampleFile(t)
	r := NewReader(iotest.OneByteReader(bytes.NewReader(data)))
	got, err := readAll(r)
	if err != io.EOF || !reflect.DeepEqual(got, want) || !slices.Equal(r.Libraries(), []string{"#!lua name=lib"}) {
		t.Errorf("got %+v, %v", got, err)
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("after the end: %v", err)
	}
}

func TestDamagedFiles(t *testing.T) {
	data, want := sampleFile(t)
	for n := 0; n < len(data); n += 1 + n/200 {
		if _, err := readAll(NewReader(bytes.NewReader(data[:n]))); !errors.Is(err, ErrFormat) {
			t.Fatalf("the first %d bytes: %v", n, err)
		}
	}
	damaged := bytes.Clone(data)
	damaged[len(damaged)-1]++
	if got, err := readAll(NewReader(bytes.NewReader(damaged))); !errors.Is(err, ErrChecksum) || len(got) != len(want) {
		t.Errorf("a wrong checksum: %d keys, %v", len(got), err)
	}
	broken := errors.New("disk on fire")
	if _, err := readAll(NewReader(io.MultiReader(bytes.NewReader(data[:500]), iotest.ErrReader(broken)))); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

// file is one that is made by hand: its checksum is left out.
func file(version string, parts ...string) []byte {
	return []byte("REDIS" + version + strings.Join(parts, "") + "\xff" + strings.Repeat("\x00", 8))
}

func TestReaderSkips(t *testing.T) {
	module := "\x81\x25\x2f\x31\x83\x5f\x7b\x28\x01"
	data := file("0009",
		"\xfa\x09redis-ver\x057.2.4", "\xfa\x05ctime\xc2\x00\x01\x02\x03",
		"\xf7"+module+"\x02\x02"+"\x01\x05\x02\x07\x03\x00\x00\x80\x3f\x04\x00\x00\x00\x00\x00\x00\xf0\x3f\x05\x02hi\x00",
		"\xf4\x01\x02\x03", "\xfe\x05", "\xfb\x03\x01",
		"\xfd\x00\xe1\xf5\x05"+"\xf8\x07"+"\x00\x01a\x01v",
		"\xf9\x10"+"\x07\x01m"+module+"\x01\x05\x00",
		"\xfc\x01\x00\x00\x00\x00\x00\x00\x00"+"\x00\x01b\x01w",
	)
	r := NewReader(bytes.NewReader(data))
	a, err := r.Next()
	if err != nil || a.Name != "a" || a.Value.Str != "v" || a.DB != 5 || a.ExpireAt != 100_000_000_000 {
		t.Errorf("got %+v, %v", a, err)
	}
	var other *ModuleError
	if _, err := r.Next(); !errors.As(err, &other) || other.Key != "m" || other.DB != 5 || len(other.Module) != 9 {
		t.Errorf("got %v", err)
	}
	b, err := r.Next()
	if err != nil || b.Name != "b" || b.Value.Str != "w" || b.ExpireAt != 1 {
		t.Errorf("got %+v, %v", b, err)
	}
	if _, err := r.Next(); err != io.EOF {
		t.Errorf("got %v", err)
	}
}

func TestWrongFiles(t *testing.T) {
	for want, files := range map[error][]string{
		ErrFormat: {
			"", "REDIS", "REDIS00x9", "redis0009", "REDIS0000", "REDIS-009", "REDIS0009",
			string(file("0009", "\x00\x01a")), string(file("0009", "\x00\x01a\xc9")), string(file("0009", "\xfe\xc0\x01")),
			string(file("0009", "\xfe\x80\xff\xff\xff\xff")), string(file("0009", "\xf7\x01\x02\x03\x09")),
		},
		ErrNewer: {
			"REDIS0013", "REDIS9999", string(file("0009", "\x06\x01a")), string(file("0009", "\x08\x01a")),
			string(file("0009", "\x16\x01a")), string(file("0009", "\xf6\x01a")),
		},
		io.EOF: {"REDIS0001\xff", string(file("0005")), string(file("0012"))},
	} {
		for _, data := range files {
			keys, err := readAll(NewReader(strings.NewReader(data)))
			if !errors.Is(err, want) || len(keys) > 0 {
				t.Errorf("%q: got %v, %v", data, keys, err)
			}
		}
	}
}

// A length that says more than there is takes no memory.
func TestLengthsAreNotBelieved(t *testing.T) {
	long := "\x81\x7f\xff\xff\xff\xff\xff\xff\xff"
	for _, data := range []string{
		"\x00" + long, "\x01" + long, "\x02" + long, "\x04" + long, "\x05" + long, "\x03" + long, "\x12" + long, "\x0f" + long,
		"\x00\xc3\x02" + long + "ab", "\x00\xc3" + long + long, "\x10" + long, "\x01" + long + "\x01a",
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		if _, err := ParseDump(sealed([]byte(data))); !errors.Is(err, ErrFormat) && !errors.Is(err, ErrTooLarge) {
			t.Errorf("%q: got %v", data, err)
		}
		runtime.ReadMemStats(&after)
		if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 1<<20 {
			t.Errorf("%q takes %d bytes", data, allocated)
		}
	}
}

func TestScores(t *testing.T) {
	nan := fmt.Sprintf("\x05\x01\x01a%s", []byte{0, 0, 0, 0, 0, 0, 0xf8, 0x7f})
	for _, data := range []string{nan, "\x03\x01\x01a\xfd", "\x03\x01\x01a\x03abc", "\x03\x01\x01a\x00"} {
		if v, err := ParseDump(sealed([]byte(data))); !errors.Is(err, ErrFormat) {
			t.Errorf("%q: got %v, %v", data, v, err)
		}
	}
}

func FuzzReader(f *testing.F) {
	data, _ := sampleFile(f)
	f.Add(data)
	f.Add(file("0009", "\xfa\x09redis-ver\x057.2.4", "\xfe\x05\x00\x01b\x01w"))
	f.Fuzz(func(t *testing.T, data []byte) {
		r := NewReader(bytes.NewReader(data))
		for {
			_, err := r.Next()
			var other *ModuleError
			if err != nil && !errors.As(err, &other) {
				return
			}
		}
	})
}
