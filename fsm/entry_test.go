package fsm

import (
	"bytes"
	"errors"
	"reflect"
	"testing"
)

// sampleEntry has two batches of two origins.
func sampleEntry() Entry {
	a, b := &Group{}, &Group{}
	a.Add(Lookup("SET"), bulks("set", "k", "v"), nil)
	a.Add(Lookup("DEL"), bulks("del", "k"), nil)
	b.Add(Lookup("CLASSIC|SET"), bulks("SET", "n", ":5\r\n"), []bool{false, false, true})
	return Entry{Time: 1234, Seed: 99, Batches: []Batch{
		{Origin: Origin{ID: 1, Life: 2}, Seq: 3, Body: a.Append(nil, 4)},
		{Origin: Origin{ID: 1 << 63, Life: 1 << 31}, Seq: 1 << 63, Body: b.Append(a.Append(nil, 0), 15)},
	}}
}

func TestEntryRoundTrip(t *testing.T) {
	for _, e := range []Entry{{}, {Time: -1}, sampleEntry()} {
		data := e.Append([]byte("before"))
		got, err := DecodeEntry(data[len("before"):])
		if err != nil || !reflect.DeepEqual(e, got) {
			t.Errorf("got %+v, %v; want %+v", got, err, e)
		}
	}
}

func TestBatchRoundTrip(t *testing.T) {
	for _, b := range sampleEntry().Batches {
		data := b.Append(nil)
		got, err := DecodeBatch(data)
		if err != nil || !reflect.DeepEqual(b, got) {
			t.Errorf("got %+v, %v; want %+v", got, err, b)
		}
		for n := range data {
			if _, err := DecodeBatch(data[:n]); !errors.Is(err, ErrDamaged) {
				t.Errorf("the first %d bytes: got %v", n, err)
			}
		}
		if _, err := DecodeBatch(append(data, 0)); !errors.Is(err, ErrDamaged) {
			t.Errorf("a byte too many: got %v", err)
		}
	}
}

func TestEveryFlippedBitIsDetected(t *testing.T) {
	e := sampleEntry()
	data := e.Append(nil)
	for at := range data {
		for bit := range 8 {
			damaged := bytes.Clone(data)
			damaged[at] ^= 1 << bit
			if CheckEntry(damaged) == nil {
				t.Fatalf("byte %d, bit %d", at, bit)
			}
			if _, err := DecodeEntry(damaged); err == nil {
				t.Fatalf("byte %d, bit %d was decoded", at, bit)
			}
		}
	}
	for n := range data {
		if CheckEntry(data[:n]) == nil {
			t.Errorf("the first %d bytes are an entry", n)
		}
	}
}

func TestEntryOfANewerVersion(t *testing.T) {
	e := sampleEntry()
	data := e.Append(nil)
	data[0]++
	if err := CheckEntry(data); !errors.Is(err, ErrNewer) {
		t.Errorf("got %v", err)
	}
	data[0] = 0
	if err := CheckEntry(data); !errors.Is(err, ErrDamaged) {
		t.Errorf("got %v", err)
	}
}

func TestGroup(t *testing.T) {
	g := &Group{}
	if g.Len() != 0 || g.Size() != 0 {
		t.Error("a new group is not empty")
	}
	g.Add(Lookup("DEL"), bulks("dEl", "k"), nil)
	first := g.Append(nil, 1)
	if g.Len() != 1 || g.Size() == 0 {
		t.Error("the group does not grow")
	}
	g.Reset()
	if g.Len() != 0 || g.Size() != 0 {
		t.Error("a reset group is not empty")
	}
	g.Add(Lookup("DEL"), bulks("", "k"), nil)
	if !bytes.Equal(first, g.Append(nil, 1)) {
		t.Error("the name that the client sent shows")
	}
}

// What no version of ours wrote stops the node; it must not pass as applied.
func TestApplyRefusesWhatItDoesNotKnow(t *testing.T) {
	unknown := &Group{}
	unknown.Add(&Command{Spec: Spec{Name: "NOVEL"}}, bulks("NOVEL"), nil)
	for name, tt := range map[string]struct {
		body []byte
		want error
	}{
		"command":   {unknown.Append(nil, 0), ErrNewer},
		"arity":     {groupOf(Lookup("GET"), bulks("GET"), nil).Append(nil, 0), ErrNewer},
		"database":  {groupOf(Lookup("DEL"), bulks("DEL", "k"), nil).Append(nil, Databases), ErrDamaged},
		"end":       {[]byte{0, 1, 2}, ErrDamaged},
		"no name":   {[]byte{0, 1, 0}, ErrDamaged},
		"many args": {append([]byte{0, 1}, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f), ErrDamaged},
		"varint":    {bytes.Repeat([]byte{0xff}, 30), ErrDamaged},
	} {
		e := Entry{Batches: []Batch{{Origin: testOrigin, Seq: 1, Body: tt.body}}}
		if _, err := NewState().Apply(1, e); !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", name, err, tt.want)
		}
	}
}
