package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trivetdb/trivet/fsm"
)

// A desk is a leader's waiters with made-up keys, and nodes that hear of turns.
type desk struct {
	t     *testing.T
	w     *waiters
	mu    sync.Mutex
	holds map[string]int
	kinds map[string]fsm.WaitKind
	got   []string          // turns, as node:client:key
	down  map[string]bool   // nodes that do not answer
	nodes map[uint64]*noted // by origin
}

// noted is what a node has said so far.
type noted struct {
	origin         fsm.Origin
	stream, number uint64
	claims         map[uint64]string
	turns          map[uint64]turn
}

func newDesk(t *testing.T) *desk {
	d := &desk{t: t, holds: map[string]int{}, kinds: map[string]fsm.WaitKind{}, down: map[string]bool{}, nodes: map[uint64]*noted{}}
	d.w = newWaiters(1, func(p place) (fsm.WaitKind, int) {
		d.mu.Lock()
		defer d.mu.Unlock()
		if d.holds[p.key] == 0 {
			return fsm.WaitNone, 0
		}
		if kind := d.kinds[p.key]; kind != 0 {
			return kind, d.holds[p.key]
		}
		return fsm.WaitList, d.holds[p.key]
	}, d.send)
	d.w.open(1)
	t.Cleanup(d.w.shut)
	return d
}

func (d *desk) send(ctx context.Context, addr string, n turnNote) error {
	d.mu.Lock()
	down := d.down[addr]
	d.mu.Unlock()
	if down {
		<-ctx.Done()
		return errors.New("no answer")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	from := d.nodes[n.origin.ID]
	for _, t := range n.turns {
		keys := strings.Fields(from.claims[t.id])
		text := fmt.Sprintf("%s:%d:%s", addr, t.id, keys[t.key])
		if t.first {
			text += "!"
		}
		d.got = append(d.got, text)
		from.turns[t.id] = t
	}
	return nil
}

func (d *desk) node(id uint64) *noted {
	if d.nodes[id] == nil {
		d.nodes[id] = &noted{origin: fsm.Origin{ID: id, Life: 1}, stream: 1, claims: map[uint64]string{}, turns: map[uint64]turn{}}
	}
	return d.nodes[id]
}

// say sends a note of one word, or of none.
func (d *desk) say(node uint64, words ...claimWord) verdict {
	d.mu.Lock()
	n := d.node(node)
	note := claimNote{origin: n.origin, addr: fmt.Sprint("n", node), stream: n.stream, number: n.number, words: words}
	n.number++
	for id := range n.claims {
		note.count++
		note.sum ^= id
	}
	d.mu.Unlock()
	sent, err := decodeClaimNote(note.append(nil))
	if err != nil {
		d.t.Fatal(err)
	}
	answer := d.w.hear(sent)
	synctest.Wait()
	if len(answer.turns) > 0 {
		d.send(d.t.Context(), note.addr, turnNote{note.origin, note.stream, answer.turns})
	}
	return answer.verdict
}

func (d *desk) claim(node, id uint64, keys string, change ...func(*claimWord)) {
	d.t.Helper()
	w := claimWord{kind: claimMade, id: id, key: -1, wait: fsm.Wait{Kind: fsm.WaitList}}
	for _, k := range strings.Fields(keys) {
		w.wait.Keys = append(w.wait.Keys, []byte(k))
	}
	for _, f := range change {
		f(&w)
	}
	d.mu.Lock()
	d.node(node).claims[id] = keys
	d.mu.Unlock()
	if v := d.say(node, w); v != noteTaken {
		d.t.Fatalf("the claim was answered %c", v)
	}
	time.Sleep(time.Millisecond)
}

func (d *desk) stays(node, id uint64) {
	d.mu.Lock()
	held := d.node(node).turns[id].number
	d.mu.Unlock()
	d.say(node, claimWord{kind: claimStays, id: id, turn: held})
}

func (d *desk) leaves(node, id uint64) {
	d.mu.Lock()
	delete(d.node(node).claims, id)
	d.mu.Unlock()
	d.say(node, claimWord{kind: claimLeaves, id: id})
}

// push sets what a key holds, and has the entry applied that did it.
func (d *desk) push(key string, n int) {
	d.mu.Lock()
	d.holds[key] = n
	d.mu.Unlock()
	d.w.signal(nil, []fsm.Signal{{DB: 0, Key: key}})
	synctest.Wait()
}

// turns checks which turns there were since the last call. Nodes hear of theirs
// side by side.
func (d *desk) turns(want ...string) {
	d.t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	slices.Sort(d.got)
	slices.Sort(want)
	if !slices.Equal(d.got, want) {
		d.t.Fatalf("turns %q, want %q", d.got, want)
	}
	d.got = nil
}

// desks runs a test in a bubble, where time is free.
func desks(t *testing.T, f func(d *desk)) {
	synctest.Test(t, func(t *testing.T) { f(newDesk(t)) })
}

func TestTurnsInOrder(t *testing.T) {
	desks(t, func(d *desk) {
		d.claim(1, 1, "k")
		d.claim(2, 1, "k")
		d.claim(1, 2, "k")
		d.claim(2, 9, "other")
		d.turns()
		d.push("k", 1)
		d.turns("n1:1:k")
		d.push("k", 1) // the same element: its turn is out
		d.turns()
		d.push("k", 0)
		d.leaves(1, 1)
		d.turns()
		d.push("k", 2)
		d.turns("n2:1:k", "n1:2:k")
		d.push("k", 3)
		d.turns()
	})
}

// TestTurnInVain has an element taken by somebody who did not wait. Who tried in
// vain is still first.
func TestTurnInVain(t *testing.T) {
	desks(t, func(d *desk) {
		d.claim(1, 1, "k")
		d.claim(2, 1, "k")
		d.push("k", 1)
		d.turns("n1:1:k")
		d.push("k", 0)
		d.stays(1, 1)
		d.turns()
		d.push("k", 1)
		d.turns("n1:1:k")
		d.stays(1, 1) // something is there still
		d.turns("n1:1:k")
		d.say(1, claimWord{kind: claimStays, id: 1, turn: 1}) // of a turn long ago
		d.turns()
		d.leaves(1, 1)
		d.turns("n2:1:k")
	})
}

// TestTurnsAhead has pushes on their way into the log.
func TestTurnsAhead(t *testing.T) {
	queue := func(d *desk, key string, n int) []fsm.Push {
		args := append([]string{"RPUSH", key}, make([]string, n)...)
		pushes, _ := d.w.queue(0, command(args...))
		synctest.Wait()
		return pushes
	}
	submit := func(d *desk, seq uint64, key string, n int) (b fsm.Batch, done func()) {
		args := append([]string{"LPUSH", key}, make([]string, n)...)
		b = fsm.Batch{Origin: fsm.Origin{ID: 7, Life: 1}, Seq: seq, Body: command(args...).Append(nil, 0)}
		done = d.w.submit(&b)
		synctest.Wait()
		return b, done
	}
	t.Run("of this node, for its own clients", func(t *testing.T) {
		desks(t, func(d *desk) {
			d.claim(1, 1, "k")
			d.claim(2, 1, "k")
			d.claim(1, 2, "k")
			pushes := queue(d, "k", 3)
			d.turns("n1:1:k") // the second is another node's, which the third must not overtake
			d.w.unqueue(pushes)
			_, done := submit(d, 1, "k", 3)
			d.turns("n2:1:k", "n1:2:k")
			done()
			d.turns()
		})
	})
	t.Run("taken in the same entry", func(t *testing.T) {
		desks(t, func(d *desk) {
			d.claim(1, 1, "k")
			d.claim(1, 2, "k")
			b, done := submit(d, 1, "k", 1)
			d.turns("n1:1:k")
			d.w.signal([]fsm.Batch{b}, []fsm.Signal{{Key: "k"}})
			done()
			d.leaves(1, 1)
			d.turns()
		})
	})
	t.Run("applied, and not taken yet", func(t *testing.T) {
		desks(t, func(d *desk) {
			d.claim(1, 1, "k")
			d.claim(1, 2, "k")
			b, done := submit(d, 1, "k", 1)
			d.holds["k"] = 1
			d.w.signal([]fsm.Batch{b}, []fsm.Signal{{Key: "k"}})
			done()
			d.turns("n1:1:k") // one element, one turn
		})
	})
	t.Run("failed", func(t *testing.T) {
		desks(t, func(d *desk) {
			d.claim(1, 1, "k")
			_, done := submit(d, 1, "k", 1)
			d.turns("n1:1:k")
			done()
			d.stays(1, 1)
			d.turns()
			d.push("k", 1)
			d.turns("n1:1:k")
			if len(d.w.coming) > 0 || len(d.w.batches) > 0 {
				t.Errorf("left: %v, %v", d.w.coming, d.w.batches)
			}
		})
	})
	t.Run("before the client", func(t *testing.T) {
		desks(t, func(d *desk) {
			d.claim(1, 1, "other")
			_, done := submit(d, 1, "k", 1)
			pushes := queue(d, "k2", 1)
			d.claim(2, 1, "k")
			d.claim(2, 2, "k2")
			d.claim(1, 2, "k2")
			d.turns("n2:1:k")
			d.w.unqueue(pushes)
			done()
			d.turns()
		})
	})
	t.Run("of another kind", func(t *testing.T) {
		desks(t, func(d *desk) {
			zset := func(w *claimWord) { w.wait.Kind = fsm.WaitZSet }
			d.claim(1, 1, "k", zset)
			submit(d, 1, "k", 1)
			d.holds["z"], d.kinds["z"] = 1, fsm.WaitZSet
			d.claim(1, 2, "z", func(w *claimWord) { w.since = 1 })
			submit(d, 2, "z", 1)
			d.turns()
		})
	})
	t.Run("in an earlier term", func(t *testing.T) {
		desks(t, func(d *desk) {
			d.claim(1, 1, "k")
			pushes := queue(d, "k", 1)
			_, done := submit(d, 1, "k", 1)
			d.turns("n1:1:k")
			d.w.open(2)
			d.w.unqueue(pushes)
			done()
			delete(d.nodes, 1)
			d.claim(1, 1, "k")
			d.turns()
		})
	})
}

func TestManyKeys(t *testing.T) {
	desks(t, func(d *desk) {
		d.claim(1, 1, "a b a")
		d.claim(2, 1, "b")
		d.claim(2, 2, "a")
		d.push("b", 1)
		d.turns("n1:1:b")
		d.push("a", 1) // the first has a turn already
		d.turns("n2:2:a")
		d.push("b", 0)
		d.push("a", 2) // found nothing in b meanwhile
		d.turns()
		d.stays(1, 1)
		d.turns("n1:1:a")
		d.leaves(1, 1)
		d.leaves(2, 2)
		d.turns()
		if n := len(d.w.lines); n != 1 || d.w.count.Load() != 1 {
			t.Errorf("%d lines, %d claims left", n, d.w.count.Load())
		}
	})
}

func TestKinds(t *testing.T) {
	desks(t, func(d *desk) {
		zset := func(w *claimWord) { w.wait.Kind = fsm.WaitZSet }
		old := func(w *claimWord) { w.since = 1 }
		d.claim(1, 1, "k", zset)
		d.claim(1, 2, "k")
		d.push("k", 1)
		d.turns("n1:2:k")
		d.claim(1, 3, "e k", zset) // hears that the type is wrong
		d.turns("n1:3:k!")
		d.claim(1, 4, "e k", zset, old) // has waited elsewhere: waits on
		d.turns()
		d.leaves(1, 2)
		d.leaves(1, 3)
		d.kinds["k"] = fsm.WaitZSet
		d.push("k", 2)
		d.turns("n1:1:k", "n1:4:k")
	})
}

// TestReadyAtOnce asks whether a client on the leader needs to wait at all.
func TestReadyAtOnce(t *testing.T) {
	desks(t, func(d *desk) {
		ready := func(keys ...string) bool {
			w := fsm.Wait{Kind: fsm.WaitList}
			for _, k := range keys {
				w.Keys = append(w.Keys, []byte(k))
			}
			return d.w.ready(0, w)
		}
		d.push("k", 1)
		d.push("z", 1)
		d.kinds["z"] = fsm.WaitZSet
		if !ready("k") || !ready("none", "k") || !ready("z") || ready("none") {
			t.Error("not ready, or ready for nothing")
		}
		d.claim(1, 1, "k")
		if ready("k") {
			t.Error("may overtake one who waits")
		}
		d.w.close(1)
		if ready("z") {
			t.Error("ready without leading")
		}
	})
}

// TestOldestFirstAgain has two nodes come to a new leader, the later clients
// first.
func TestOldestFirstAgain(t *testing.T) {
	desks(t, func(d *desk) {
		aged := func(age time.Duration) func(*claimWord) {
			return func(w *claimWord) { w.since = time.Now().Add(-age).UnixMicro() }
		}
		d.claim(1, 1, "k", aged(4*time.Second))
		d.claim(1, 2, "k", aged(2*time.Second))
		d.claim(2, 1, "k", aged(3*time.Second))
		d.claim(2, 2, "k", aged(5*time.Second), func(w *claimWord) { w.key, w.turn = 0, 77 }) // has a turn
		d.push("k", 2)
		d.turns("n1:1:k")
		d.say(2, claimWord{kind: claimStays, id: 2, turn: 77})
		d.turns("n2:2:k")
	})
}

func TestUnreachableNode(t *testing.T) {
	desks(t, func(d *desk) {
		d.claim(1, 1, "k")
		d.claim(2, 1, "k")
		d.down["n1"] = true
		d.push("k", 1)
		d.turns()
		time.Sleep(3 * turnTimeout)
		d.turns("n2:1:k")
		if v := d.say(1); v != noteAgain { // it lives after all
			t.Errorf("answered %c", v)
		}
	})
}

// TestStreams has notes lost, doubled and late.
func TestStreams(t *testing.T) {
	desks(t, func(d *desk) {
		d.claim(1, 1, "k")
		n := d.node(1)
		for name, change := range map[string]func(*claimNote){
			"lost":             func(n *claimNote) { n.number++ },
			"double":           func(n *claimNote) { n.number-- },
			"an older stream":  func(n *claimNote) { n.stream, n.number = 0, 0 },
			"an unknown one":   func(n *claimNote) { n.stream++ },
			"an earlier life":  func(n *claimNote) { n.origin.Life, n.number = 0, 0 },
			"an unknown node":  func(n *claimNote) { n.origin.ID = 5 },
			"the begin, again": func(n *claimNote) { n.number = 0 },
		} {
			note := claimNote{origin: n.origin, addr: "n1", stream: n.stream, number: n.number, count: 1, sum: 1}
			change(&note)
			if v := d.w.hear(note).verdict; v != noteAgain {
				t.Errorf("%s: %c", name, v)
			}
		}
		if v := d.say(1); v != noteTaken {
			t.Errorf("in order: %c", v)
		}
		n.claims[4] = "k" // which the leader never heard of
		if v := d.say(1); v != noteAgain || d.w.count.Load() != 0 {
			t.Errorf("another sum: %c, %d claims", v, d.w.count.Load())
		}
		delete(n.claims, 4)
		n.stream, n.number = 2, 0
		d.claim(1, 1, "k")
		d.push("k", 1)
		d.turns("n1:1:k")
		d.w.close(7) // of another term
		if d.w.count.Load() != 1 {
			t.Error("forgot its claims")
		}
		d.w.close(1)
		if v := d.say(1); v != noteNoTerm || d.w.count.Load() != 0 {
			t.Errorf("deposed: %c, %d claims", v, d.w.count.Load())
		}
		d.push("k", 2)
		d.turns()
	})
}

func TestNotesDamaged(t *testing.T) {
	note := claimNote{
		origin: fsm.Origin{ID: 1 << 60, Life: 3}, addr: "a:1", stream: 4, number: 5, count: 6, sum: 7,
		words: []claimWord{
			{kind: claimMade, id: 1, since: 1 << 50, age: time.Hour, key: 1, turn: 9, db: 15, wait: fsm.Wait{Kind: fsm.WaitZSet, Keys: [][]byte{[]byte("a"), {}}}},
			{kind: claimStays, id: 2, turn: 300}, {kind: claimLeaves, id: 3},
		},
	}
	b := note.append(nil)
	got, err := decodeClaimNote(b)
	if err != nil || fmt.Sprint(got) != fmt.Sprint(note) {
		t.Errorf("%v: read %v, want %v", err, got, note)
	}
	turns := turnNote{fsm.Origin{ID: 2, Life: 1}, 3, []turn{{1, 500, 2, true}, {1 << 40, 1, 0, false}}}
	c := turns.append(nil)
	if got, err := decodeTurnNote(c); err != nil || fmt.Sprint(got) != fmt.Sprint(turns) {
		t.Errorf("%v: read %v, want %v", err, got, turns)
	}
	for i := range b {
		if _, err := decodeClaimNote(b[:i]); err == nil {
			t.Errorf("%d bytes of %d are a claim note", i, len(b))
		}
	}
	for i := range c {
		if _, err := decodeTurnNote(c[:i]); err == nil {
			t.Errorf("%d bytes of %d are a turn note", i, len(c))
		}
	}
}
