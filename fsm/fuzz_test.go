package fsm

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

func FuzzDecodeEntry(f *testing.F) {
	e := sampleEntry()
	f.Add(e.Append(nil))
	f.Add((&Entry{}).Append(nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		DecodeEntry(data)
		if len(data) < entryHeader {
			return
		}
		// With the right checksum, the rest comes to its turn.
		data = bytes.Clone(data)
		data[0] = entryFormat
		binary.LittleEndian.PutUint32(data[1:], crc32.Checksum(data[entryHeader:], castagnoli))
		e, err := DecodeEntry(data)
		if err != nil {
			return
		}
		again, err := DecodeEntry(e.Append(nil))
		if err != nil || len(e.Batches) != len(again.Batches) {
			t.Fatalf("got %+v, %v; want %+v", again, err, e)
		}
		for i := range e.Batches {
			a, b := e.Batches[i], again.Batches[i]
			if a.Origin != b.Origin || a.Seq != b.Seq || !bytes.Equal(a.Body, b.Body) {
				t.Fatalf("got %+v, want %+v", b, a)
			}
		}
	})
}

// FuzzApply applies any bytes as a batch: an error or results, and a state that
// is sound and the same on two nodes.
func FuzzApply(f *testing.F) {
	for _, b := range sampleEntry().Batches {
		f.Add(b.Body)
	}
	g := newGenerator(f)
	for range 200 {
		c := g.row(Read | Write)
		args, typed := g.args(c)
		f.Add(groupOf(c, args, typed).Append(nil, g.IntN(3)))
	}
	for range 50 { // strings that are long
		long := &Group{}
		for range 8 {
			words := g.stringCommand()
			long.Add(Lookup(words[0]), bulks(words...), nil)
		}
		f.Add(long.Append(nil, 0))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		a, b := newMachine(t), newMachine(t)
		var replies []Result
		for _, m := range []*machine{a, b} {
			m.do(1000, "MSET", "key:1", "1", "key:2", "text")
			m.do(1000, "SET", "key:3", "v", "PX", "5")
			e := Entry{Time: 1004, Seed: 5, Batches: []Batch{{Origin: testOrigin, Seq: 100, Body: body}}}
			results, err := m.st.Apply(50, e)
			if err != nil {
				results = nil
			}
			m.verify()
			if m == a {
				replies = results
			} else if !reflect.DeepEqual(replies, results) {
				t.Fatalf("one state answers %v, the other %v", replies, results)
			}
		}
		restored(t, a.st)
		if !bytes.Equal(encoded(t, a.st), encoded(t, b.st)) {
			t.Fatal("the states differ")
		}
	})
}

func FuzzDecodeState(f *testing.F) {
	f.Add(sampleState(f))
	f.Add(encoded(f, NewState()))
	g := newGenerator(f)
	m := newMachine(f)
	g.fill(m, 300)
	f.Add(encoded(f, m.st))
	f.Fuzz(func(t *testing.T, data []byte) {
		Decode(bytes.NewReader(data))
		s, err := Decode(bytes.NewReader(sealed(data)))
		if err != nil {
			return
		}
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
		restored(t, s)
	})
}

// FuzzRestore restores any body: an error, or a value that is sound and that DUMP
// and RESTORE bring over once more.
func FuzzRestore(f *testing.F) {
	files, err := filepath.Glob("rdb/testdata/*.dump")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data[:len(data)-10])
	}
	for _, tail := range sampleDumps() {
		f.Add([]byte(tail[1][:len(tail[1])-10]))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		m := newMachine(t)
		if v := m.do(1, "RESTORE", "k", "0", sealedDump(body)); v.IsError() {
			if m.st.Len(0) != 0 {
				t.Fatal("an error, and a key")
			}
			return
		}
		restored(t, m.st)
		first := m.do(1, "DUMP", "k")
		if v := m.do(1, "RESTORE", "again", "0", first.Str); v.IsError() || m.do(1, "DUMP", "again").Str != first.Str {
			t.Fatalf("what DUMP answers is not what it was: %v", v)
		}
		if elems, bytes := dumpSize(m.st.dbs[0].get([]byte("k"))); len(first.Str) > bytes+elems*maxPacked {
			t.Fatalf("a dump of %d bytes where %d were charged for", len(first.Str), bytes)
		}
	})
}
