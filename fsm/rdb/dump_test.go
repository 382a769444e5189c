package rdb

import (
	"bufio"
	"bytes"
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func sampleGroups(first, read, idle, active int64) []Group {
	return []Group{{Name: "empty", Read: first}, {
		Name: "g", Last: ID{105, 4}, Read: read,
		Pending: []Pending{
			{ID: ID{100, 5}, Delivered: 1700000000000, Count: 1, Consumer: 1},
			{ID: ID{105, 4}, Delivered: 1700000000001, Count: 3, Consumer: 1},
		},
		Consumers: []Consumer{{"idle", 1600000000000, idle}, {"c", 1700000000001, active}},
	}}
}

func sampleStream(deleted ID, added uint64, groups []Group) Value {
	return Value{Kind: Streams, Stream: &Stream{
		Entries: []Entry{
			{ID{100, 5}, []string{"f", "v"}}, {ID{105, 4}, []string{"a", "1", "b", "x"}},
			{ID{1 << 40, 0}, []string{"f", "v", "g", "-7"}},
		},
		Last: ID{1 << 40, 9}, MaxDeleted: deleted, Added: added, Groups: groups,
	}}
}

// samples are what the files in testdata mean. They have each encoding, and each
// form of an element, once at least.
var samples = map[string]Value{
	"string-raw":         {Str: "a\x00b\xff"},
	"string-int8":        {Str: "-128"},
	"string-int16":       {Str: "-32768"},
	"string-int32":       {Str: "-2147483648"},
	"string-long-length": {Str: "hi"},
	"string-version-6":   {Str: "old"},
	"string-lzf":         {Str: strings.Repeat("abc", 300) + strings.Repeat("x", 300)},
	"list":               {Kind: List, Elems: []string{"a", "7", "a"}},
	"list-ziplist": {Kind: List, Elems: append(strings.Fields(`0 12 13 -1 127 -128 128 -129 32767 -32768 32768 8388607 -8388608
		8388608 2147483647 -2147483648 2147483648 9223372036854775807 -9223372036854775808`),
		"", "text", strings.Repeat("x", 70), strings.Repeat("y", 300), "after a long one", strings.Repeat("z", 16400), "5")},
	"list-quicklist": {Kind: List, Elems: []string{"a", "1", "b"}},
	"list-quicklist2": {Kind: List, Elems: append(strings.Fields(`0 127 128 -1 4095 -4096 4096 -4097 32767 -32768 32768 8388607
		-8388608 8388608 2147483647 -2147483648 2147483648 9223372036854775807 -9223372036854775808`),
		"", "text", strings.Repeat("x", 63), strings.Repeat("x", 64), strings.Repeat("y", 4095), strings.Repeat("z", 4096),
		strings.Repeat("w", 16500), "5", "plain", "last")},
	"set":              {Kind: Set, Elems: []string{"a", "2"}},
	"set-intset-16":    {Kind: Set, Elems: []string{"-32768", "-1", "0", "5", "32767"}},
	"set-intset-32":    {Kind: Set, Elems: []string{"-2147483648", "2147483647"}},
	"set-intset-64":    {Kind: Set, Elems: []string{"-9223372036854775808", "0", "9223372036854775807"}},
	"set-listpack":     {Kind: Set, Elems: []string{"b", "3", "a"}},
	"hash":             {Kind: Hash, Elems: []string{"f", "v", "g", "2"}},
	"hash-zipmap":      {Kind: Hash, Elems: []string{"f", "v", "ff", "vvv", "g", strings.Repeat("w", 300)}},
	"hash-ziplist":     {Kind: Hash, Elems: []string{"f", "-5", "g", "v"}},
	"hash-listpack":    {Kind: Hash, Elems: []string{"f", "-5", "g", "v"}},
	"zset":             {Kind: ZSet, Elems: []string{"a", "b", "c", "d"}, Scores: []float64{1.5, math.Inf(1), math.Inf(-1), -1.1000000000000001e-5}},
	"zset-2":           {Kind: ZSet, Elems: []string{"a", "b", "c"}, Scores: []float64{1.1, math.Inf(-1), 5e-324}},
	"zset-ziplist":     {Kind: ZSet, Elems: []string{"c", "a", "7"}, Scores: []float64{math.Inf(-1), 2, 2.5}},
	"zset-listpack":    {Kind: ZSet, Elems: []string{"c", "a", "7", "x"}, Scores: []float64{math.Inf(-1), 2, 2.5, math.Inf(1)}},
	"stream-1":         sampleStream(ID{}, 3, sampleGroups(0, UnknownRead, 1600000000000, 1700000000001)),
	"stream-2":         sampleStream(ID{100, 6}, 77, sampleGroups(UnknownRead, 2, 1600000000000, 1700000000001)),
	"stream-3":         sampleStream(ID{100, 6}, 77, sampleGroups(UnknownRead, 2, -1, 1700000000000)),
	"stream-no-groups": sampleStream(ID{100, 6}, 77, nil),
}

func readSamples(t testing.TB) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("testdata/*.dump")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	found := map[string][]byte{}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		found[strings.TrimSuffix(filepath.Base(f), ".dump")] = data
	}
	return found
}

func TestParseDump(t *testing.T) {
	found := readSamples(t)
	for name, want := range samples {
		got, err := ParseDump(found[name])
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	if len(found) != len(samples) {
		t.Errorf("%d files, %d samples", len(found), len(samples))
	}
}

// What is written is read as it was, but for when a consumer was active.
func TestAppendDump(t *testing.T) {
	for name, v := range samples {
		if name == "stream-3" {
			continue
		}
		data := AppendDump([]byte("before"), &v)
		got, err := ParseDump(data[len("before"):])
		if err != nil || !reflect.DeepEqual(got, v) {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
}

// Streams of more than one node, with fields of all kinds.
func TestLongStreams(t *testing.T) {
	s := &Stream{Last: ID{math.MaxUint64, math.MaxUint64}, Added: 5000}
	for i := range uint64(1000) {
		e := Entry{ID{1 + i/7*(i%3+1)*1e6 + i*1e9, math.MaxUint64 - i*12345}, []string{"f", decimal(int64(i * i * i))}}
		if i/10%2 == 0 {
			e.Fields = append(e.Fields, strings.Repeat("long", int(i)), "\x00")
		}
		s.Entries = append(s.Entries, e)
	}
	want := Value{Kind: Streams, Stream: s}
	got, err := ParseDump(AppendDump(nil, &want))
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestDamagedDumps(t *testing.T) {
	for name, data := range readSamples(t) {
		for n := range data {
			if _, err := ParseDump(data[:n]); !errors.Is(err, ErrChecksum) {
				t.Fatalf("%s: the first %d bytes: %v", name, n, err)
			}
			if n > 1000 {
				break
			}
		}
		if _, err := ParseDump(sealed(append(body(data), 0))); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: a byte more: %v", name, err)
		}
		for n := 1; n < len(data)-footerSize; n += 1 + n/100 {
			if _, err := ParseDump(sealed(data[:n])); !errors.Is(err, ErrFormat) {
				t.Errorf("%s: a value of %d bytes: %v", name, n, err)
			}
		}
	}
	for typ := range 256 {
		if _, err := ParseDump(sealed([]byte{byte(typ)})); err == nil {
			t.Errorf("type %d: no error", typ)
		} else if typ >= typesEnd && !errors.Is(err, ErrNewer) {
			t.Errorf("type %d: %v", typ, err)
		}
	}
	newer := AppendDump(nil, &Value{Str: "v"})
	newer[len(newer)-10]++
	newer = append(newer[:len(newer)-8], sealed(newer[:len(newer)-10])[len(newer)-8:]...)
	if _, err := ParseDump(newer); !errors.Is(err, ErrChecksum) {
		t.Errorf("a changed version: %v", err)
	}
}

// What was compressed is bounded in all.
func TestDumpsThatGrow(t *testing.T) {
	two := "\x02\x02\xc3\x04\x05\x00x\x40\x00\xc3\x04\x05\x00y\x40\x00" // five bytes each
	for most, want := range map[uint64]error{0: nil, 10: nil, 9: ErrTooLarge, 4: ErrTooLarge} {
		d := decoder{r: bufio.NewReader(strings.NewReader(two)), most: most}
		if d.value(d.byte()); !errors.Is(d.err, want) {
			t.Errorf("at most %d bytes: got %v", most, d.err)
		}
	}
	long := "\x00\xc3\x04\x81\x7f\xff\xff\xff\xff\xff\xff\xff\x00x\x40\x00"
	if _, err := ParseDump(sealed([]byte(long))); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v", err)
	}
}

// body returns a payload without its end.
func body(data []byte) []byte { return append([]byte(nil), data[:len(data)-footerSize]...) }

// sealed returns a payload with a right end.
func sealed(body []byte) []byte {
	e := encoder{append([]byte(nil), body...)}
	e.b = append(e.b, writtenVersion, 0)
	e.fixed64(update(0, e.b))
	return e.b
}

func FuzzDecode(f *testing.F) {
	for _, data := range readSamples(f) {
		f.Add(body(data))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		ParseDump(data)
		v, err := ParseDump(sealed(data))
		if err != nil {
			return
		}
		again, err := ParseDump(AppendDump(nil, &v))
		if err != nil {
			t.Fatalf("%+v: %v", v, err)
		}
		if v.Stream != nil {
			for _, s := range []*Stream{v.Stream, again.Stream} {
				for _, g := range s.Groups {
					for i := range g.Consumers {
						g.Consumers[i].Active = 0
					}
				}
			}
		}
		if !equal(v, again) {
			t.Fatalf("got %+v, want %+v", again, v)
		}
	})
}

// equal takes no list for an empty one.
func equal(a, b Value) bool {
	if len(a.Elems)+len(b.Elems) == 0 {
		a.Elems, b.Elems = nil, nil
	}
	return reflect.DeepEqual(a, b)
}

// What is damaged is refused; what is not can be written and read again.
func FuzzLibraries(f *testing.F) {
	whole := AppendLibraries(nil, []string{"#!lua name=a", "", "-12"})
	f.Add(whole[:len(whole)-footerSize])
	f.Add([]byte("\xf5\xc3\x0a\x40\x50\x03abcd\xe0\x40\x03"))
	f.Add([]byte("\xf5\x80\xff\xff\xff\xff"))
	f.Add([]byte("\xf5\xc3\x81\xff\xff\xff\xff\xff\xff\xff\xff\x05"))
	f.Fuzz(func(t *testing.T, body []byte) {
		code, err := ParseLibraries(seal(bytes.Clone(body), 0), 1<<20)
		if err != nil {
			return
		}
		back, err := ParseLibraries(AppendLibraries(nil, code), 1<<20)
		if err != nil || !slices.Equal(back, code) {
			t.Errorf("%q became %q: %v", code, back, err)
		}
	})
}
