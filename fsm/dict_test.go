package fsm

import (
	"bufio"
	"bytes"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"testing"
)

func (h *fields) contents() map[string]string {
	all := map[string]string{}
	h.each(func(e *entry[string]) bool {
		all[e.key] = e.val
		return true
	})
	return all
}

// bytesOfContainer returns what a container encodes to.
func bytesOfContainer(c container) []byte {
	var b bytes.Buffer
	e := newEncoder(&b)
	c.encode(e)
	e.w.Flush()
	return b.Bytes()
}

// readerOf returns a reader of what a container was encoded to.
func readerOf(b []byte) *stateReader {
	return &stateReader{r: bufio.NewReader(bytes.NewReader(b)), sum: crc32.New(castagnoli)}
}

// A dict does what a map does, its clones stay as they were, and it is the same
// after a restore.
func TestDictIsAMap(t *testing.T) {
	t.Parallel()
	g := newGenerator(t)
	rounds := 4000
	if testing.Short() {
		rounds = 400
	}
	epoch := uint64(1)
	h := newFields(epoch)
	model := map[string]string{}
	type frozen struct {
		h    *fields
		want map[string]string
	}
	var old []frozen
	for i := range rounds {
		grow := i%1000 < 500
		for range g.IntN(200) {
			key, val := fmt.Sprint(g.IntN(5000)), fmt.Sprint(g.IntN(100))
			_, there := model[key]
			switch {
			case grow && g.IntN(4) > 0:
				if h.put(key, val) == there {
					t.Fatalf("round %d: %q is new or not", i, key)
				}
				model[key] = val
			default:
				if h.remove(key) != there {
					t.Fatalf("round %d: %q was there or not", i, key)
				}
				delete(model, key)
			}
		}
		checkDict(t, h, model)
		if g.IntN(5) == 0 {
			old = append(old, frozen{h, maps.Clone(model)})
			epoch++
			h = h.clone(epoch).(*fields)
		}
		if len(old) > 8 {
			if f := old[0]; f.h.check() != nil || !maps.Equal(f.h.contents(), f.want) {
				t.Fatalf("round %d: a clone changed", i)
			}
			old = old[1:]
		}
		if g.IntN(20) == 0 && h.size() > 0 {
			r := readerOf(bytesOfContainer(h))
			back := decodeFields(r, epoch).(*fields)
			if r.err != nil || !bytes.Equal(bytesOfContainer(back), bytesOfContainer(h)) {
				t.Fatalf("round %d: restored, it differs: %v", i, r.err)
			}
			h = back
		}
	}
}

func checkDict(t *testing.T, h *fields, model map[string]string) {
	t.Helper()
	if err := h.check(); err != nil {
		t.Fatal(err)
	}
	if h.size() != len(model) || !maps.Equal(h.contents(), model) {
		t.Fatal("the dictionary differs from its model")
	}
	place := 0
	h.each(func(e *entry[string]) bool {
		if place%50 == 0 {
			if at := h.at(place); at.key != e.key {
				t.Fatalf("%q is at %d, not %q", at.key, place, e.key)
			}
		}
		if v, ok := h.get(e.key); !ok || v != e.val {
			t.Fatalf("%q has %q, not %q", e.key, v, e.val)
		}
		place++
		return true
	})
}

// The encoding of a large dict depends on its entries only.
func TestDictForgetsItsHistory(t *testing.T) {
	const n = 3000
	a, b := newFields(1), newFields(1)
	for i := range n {
		a.put(fmt.Sprint(i), "v")
		b.put(fmt.Sprint(n-1-i), "w")
	}
	for i := range n {
		b.put(fmt.Sprint(i), "v")
		b.put(fmt.Sprint("guest", i), "v")
	}
	for i := range n {
		b.remove(fmt.Sprint("guest", i))
	}
	if !bytes.Equal(bytesOfContainer(a), bytesOfContainer(b)) {
		t.Error("equal dictionaries encode to other bytes")
	}
}

// A scan of a hash sees what stays, once, whatever comes and goes meanwhile.
func TestDictPages(t *testing.T) {
	g := newGenerator(t)
	for _, stay := range []int{5, 128, 129, 2000} {
		h := newFields(1)
		for i := range stay {
			h.put(fmt.Sprint("stay", i), "v")
		}
		seen := map[string]int{}
		cursor := uint64(0)
		for calls := 0; ; calls++ {
			page := 0
			cursor = h.page(cursor, 7, func(e *entry[string]) {
				seen[e.key]++
				page++
			})
			if cursor == 0 {
				break
			}
			if page < 7 || page > 10 {
				t.Fatalf("a page of %d", page)
			}
			h.put(fmt.Sprint("guest", g.IntN(500)), "v")
			h.remove(fmt.Sprint("guest", g.IntN(500)))
			if calls > stay+500 {
				t.Fatal("the scan does not end")
			}
		}
		for i := range stay {
			if n := seen[fmt.Sprint("stay", i)]; n != 1 {
				t.Fatalf("stay%d was seen %d times", i, n)
			}
		}
	}
}

// The order of a set: integers by value, others as they came, many by hash.
func TestMembersOrder(t *testing.T) {
	list := func(m *members) (all []string) {
		m.all(func(s string) bool {
			all = append(all, s)
			return true
		})
		return all
	}
	m := newMembers(1)
	for _, s := range []string{"10", "-3", "7", "7"} {
		m.add(s)
	}
	if got := list(m); !slices.Equal(got, []string{"-3", "7", "10"}) {
		t.Errorf("got %q", got)
	}
	m.add("x")
	m.add("5")
	m.remove("7")
	if got := list(m); !slices.Equal(got, []string{"-3", "10", "x", "5"}) {
		t.Errorf("got %q", got)
	}
	m = newMembers(1)
	for i := range maxInts {
		m.add(fmt.Sprint(i))
	}
	if !m.ints || m.check() != nil {
		t.Error("many integers are no longer integers")
	}
	big := m.clone(2).(*members)
	big.add("x")
	m.add("100000")
	for _, m := range []*members{m, big} {
		if m.ints || m.root == nil || m.size() != maxInts+1 || m.check() != nil {
			t.Errorf("a large set is small: %v", m.check())
		}
	}
}

// What encode cannot have written is refused.
func TestContainersRefuseDamage(t *testing.T) {
	large := newFields(1)
	for i := range 200 {
		large.put(fmt.Sprint(i), "")
	}
	swapped := bytesOfContainer(large)
	first := large.at(0).key
	swapped = append(swapped[:3], swapped[3+2+len(first):]...)
	swapped = append(swapped, byte(len(first)))
	swapped = append(append(swapped, first...), 0)
	for name, tt := range map[string]struct {
		decode func(*stateReader, uint64) container
		data   string
	}{
		"empty list":    {decodeDeque, "\x00"},
		"short list":    {decodeDeque, "\x02\x01a"},
		"hash form":     {decodeFields, "\x01\x01\x01a\x01b"},
		"empty hash":    {decodeFields, "\x00\x00"},
		"field twice":   {decodeFields, "\x00\x02\x01a\x01b\x01a\x01c"},
		"small hash":    {decodeFields, "\x00\x81\x01"},
		"order":         {decodeFields, string(swapped)},
		"set form":      {decodeMembers, "\x03\x01\x01a"},
		"no integer":    {decodeMembers, "\x01\x01\x01a"},
		"integer order": {decodeMembers, "\x01\x02\x012\x011"},
		"integer twice": {decodeMembers, "\x01\x02\x011\x011"},
	} {
		r := readerOf([]byte(tt.data))
		if tt.decode(r, 1); r.err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}
