package node

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/trivetdb/trivet/fsm"
)

// group makes a claim one of XREADGROUP.
func group(name string, count int64) func(*claimWord) {
	return func(w *claimWord) { w.wait.Kind, w.wait.Group, w.wait.Count = fsm.WaitGroup, name, count }
}

// groupDesks are desks whose streams hold, in key/group, so many entries; a group
// that holds fewer than none is gone.
func groupDesks(t *testing.T, f func(d *desk)) {
	desks(t, func(d *desk) {
		d.w.unread = func(p place, group string) (int, bool) {
			d.mu.Lock()
			defer d.mu.Unlock()
			n := d.holds[p.key+"/"+group]
			return max(n, 0), n >= 0
		}
		f(d)
	})
}

// add sets what a group has not got, and has the entry applied that did it.
func (d *desk) add(key, group string, n int) {
	d.mu.Lock()
	d.holds[key+"/"+group] = n
	d.mu.Unlock()
	d.push(key, 0)
}

func TestGroupTurns(t *testing.T) {
	groupDesks(t, func(d *desk) {
		d.claim(1, 1, "s", group("g", 0))
		d.claim(2, 1, "s", group("g", 0))
		d.claim(2, 2, "s", group("h", 2))
		d.claim(1, 2, "s", group("h", 1))
		d.claim(1, 3, "s", group("h", 1))
		d.claim(1, 4, "s") // waits for a list
		d.turns()
		d.add("s", "g", 3) // for the first, who takes all
		d.turns("n1:1:s")
		d.add("s", "h", 3) // two for the first, one for the second
		d.turns("n2:2:s", "n1:2:s")
		d.add("s", "g", 0)
		d.leaves(1, 1)
		d.turns()
		d.add("s", "h", 1) // others took one
		d.stays(1, 2)
		d.turns()
		d.leaves(2, 2)
		d.turns("n1:2:s")
		d.add("s", "g", 1)
		d.turns("n2:1:s")
		d.leaves(2, 1)
		d.leaves(1, 2)
		d.turns("n1:3:s")
	})
}

// TestGroupGone has a group go: all who wait for it hear of it.
func TestGroupGone(t *testing.T) {
	groupDesks(t, func(d *desk) {
		d.claim(1, 1, "s", group("g", 0))
		d.claim(2, 1, "t s", group("g", 1))
		d.claim(2, 2, "s", group("h", 1))
		d.add("s", "g", -1)
		d.turns("n1:1:s", "n2:1:s")
		d.leaves(1, 1)
		d.stays(2, 1) // there was a new one for a moment
		d.turns("n2:1:s")
		d.leaves(2, 1)
		d.claim(1, 3, "t", group("g", 1))
		d.holds["t/g"], d.holds["s/h"] = -1, -1
		d.w.signal(nil, []fsm.Signal{{DB: 1, All: true}})
		d.turns()
		d.w.signal(nil, []fsm.Signal{{DB: 0, All: true}})
		synctest.Wait()
		d.turns("n2:2:s", "n1:3:t")
		d.leaves(2, 2)
		d.leaves(1, 3)
		if n := len(d.w.streams); n != 0 || d.w.count.Load() != 0 {
			t.Errorf("%d lines, %d claims left", n, d.w.count.Load())
		}
	})
}

func TestGroupNotes(t *testing.T) {
	note := claimNote{addr: "a:1", words: []claimWord{
		{kind: claimMade, id: 1, key: -1, wait: fsm.Wait{Kind: fsm.WaitGroup, Keys: [][]byte{[]byte("a")}, Group: "g g", Count: 1 << 40}},
		{kind: claimMade, id: 2, key: -1, wait: fsm.Wait{Kind: fsm.WaitList, Keys: [][]byte{[]byte("a")}}},
	}}
	b := note.append(nil)
	got, err := decodeClaimNote(b)
	if err != nil || fmt.Sprint(got) != fmt.Sprint(note) {
		t.Errorf("%v: read %v, want %v", err, got, note)
	}
	for i := range b {
		if _, err := decodeClaimNote(b[:i]); err == nil {
			t.Errorf("%d bytes of %d are a claim note", i, len(b))
		}
	}
}
