package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

// value reads a whole reply, as text.
func (p *popper) value() string {
	p.conn.SetReadDeadline(time.Now().Add(2 * time.Minute))
	v, err := resp.NewReader(p.r, resp.NoLimits).ReadValue()
	if err != nil {
		return kindOf(err)
	}
	return flat(v)
}

// flat writes a reply on one line, without its brackets.
func flat(v resp.Value) string {
	switch v.Kind {
	case resp.Array:
		var parts []string
		for _, e := range v.Elems {
			parts = append(parts, flat(e))
		}
		return strings.Join(parts, " ")
	case resp.Null, resp.NullArray:
		return "nil"
	}
	return v.Str
}

// sure is must for a write that may be sent again: elections do not fail it, nor
// that it was carried out already.
func (m *member) sure(args ...any) (v any) {
	m.c.t.Helper()
	until(m.c.t, fmt.Sprint(args...), func() bool {
		var err error
		v, err = m.client().Do(context.Background(), args...).Result()
		return err == nil || errors.Is(err, redis.Nil) || strings.Contains(err.Error(), "equal or smaller") ||
			strings.Contains(err.Error(), "BUSYGROUP") || strings.Contains(err.Error(), "no such key")
	})
	return v
}

// queued is waiting, whoever leads.
func (c *cluster) queued(n int) {
	c.t.Helper()
	c.queuedWithin(n, n)
}

func (c *cluster) queuedWithin(least, most int) {
	c.t.Helper()
	until(c.t, fmt.Sprint(least, " to ", most, " clients that wait"), func() bool {
		for _, m := range c.members {
			if m.Node == nil || !m.waiters.reigns() {
				continue
			}
			if n := int(m.waiters.count.Load()); n >= least && n <= most {
				return true
			}
		}
		return false
	})
}

// reigns reports whether the node leads.
func (w *waiters) reigns() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.term != 0
}

// reading waits until n clients of a node wait in XREAD.
func (m *member) reading(n int) {
	m.c.t.Helper()
	until(m.c.t, fmt.Sprint(n, " clients in XREAD"), func() bool { return m.machine.readers.count.Load() == int64(n) })
}

// TestXReadWakesAll has clients of all nodes wait for one stream: an entry is for
// all of them.
func TestXReadWakesAll(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	leader := c.settled()
	leader.sure("XADD", "s", "5-1", "f", "old")
	term, entries := leader.raft.CurrentTerm(), leader.machine.entries.Load()
	var all []*popper
	for i := range 6 {
		m := c.members[i%3]
		all = append(all, m.pop("XREAD BLOCK 0 STREAMS none s 0 $"))
		m.reading(i/3 + 1)
	}
	late := c.members[1].pop("XREAD BLOCK 0 STREAMS s 9")
	short := c.members[2].pop("XREAD BLOCK 300 STREAMS s $")
	if got := short.value(); got != "nil" {
		t.Errorf("after its time: %q", got)
	}
	c.members[1].reading(3)
	if got := leader.machine.entries.Load() - entries; got > 3 && leader.raft.CurrentTerm() == term {
		t.Errorf("%d log entries for clients that do nothing", got)
	}
	c.members[2].sure("XADD", "s", "7", "f", "v")
	for i, p := range all {
		if got := p.value(); got != "s 7-0 f v" {
			t.Errorf("client %d got %q", i, got)
		}
	}
	if got := c.members[0].pop("XREAD BLOCK 0 STREAMS s 5-1").value(); got != "s 7-0 f v" {
		t.Errorf("what is there already: %q", got)
	}
	// A stream that goes, or becomes something else, wakes nobody.
	c.members[1].reading(1)
	leader.sure("DEL", "s")
	leader.sure("RPUSH", "s", "x")
	leader.sure("DEL", "s")
	leader.sure("XADD", "s", "8", "f", "v")
	leader.sure("XADD", "s", "10", "f", "v")
	if got := late.value(); got != "s 10-0 f v" {
		t.Errorf("past an ID: %q", got)
	}
	for _, m := range c.members {
		m.reading(0)
		if n := len(m.machine.readers.lines); n > 0 {
			t.Errorf("%d lines left on %s", n, m.host)
		}
	}
}

// TestXReadLast asks a follower for what comes past the last entry, which it may
// not know yet.
func TestXReadLast(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	leader := c.settled()
	for i := range 30 {
		m := c.members[i%3]
		last := leader.sure("XADD", "s", "*", "f", fmt.Sprint("old", i))
		p := m.pop("XREAD BLOCK 0 STREAMS s $")
		m.reading(1)
		leader.sure("XADD", "s", "*", "f", fmt.Sprint("new", i))
		if got := p.value(); !strings.HasSuffix(got, fmt.Sprint(" f new", i)) || strings.Contains(got, "old") {
			t.Fatalf("past %v: %q", last, got)
		}
		m.reading(0)
	}
}

// TestXReadGroupInOrder has clients of all nodes wait for one group.
func TestXReadGroupInOrder(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	leader := c.settled()
	leader.sure("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
	leader.sure("XGROUP", "CREATE", "s", "h", "$")
	var all []*popper
	for i := range 6 {
		all = append(all, c.members[i*2%3].pop(fmt.Sprintf("XREADGROUP GROUP g c%d COUNT 1 BLOCK 0 STREAMS s >", i)))
		c.queued(i + 1)
	}
	other := c.members[1].pop("XREADGROUP GROUP h c BLOCK 0 NOACK STREAMS s >")
	c.queued(7)
	for i, p := range all[:4] {
		c.members[i%3].sure("XADD", "s", fmt.Sprint(i+1), "f", i)
		if got := p.value(); got != fmt.Sprintf("s %d-0 f %d", i+1, i) {
			t.Errorf("client %d got %q", i, got)
		}
	}
	if got := other.value(); got != "s 1-0 f 0" {
		t.Errorf("of the other group: %q", got)
	}
	c.queued(2)
	// Two entries at once are for both who wait.
	tx := c.members[2].client().TxPipeline()
	tx.Do(t.Context(), "XADD", "s", "8", "f", "8")
	tx.Do(t.Context(), "XADD", "s", "9", "f", "9")
	if _, err := tx.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	a, b := all[4].value(), all[5].value()
	if a > b {
		a, b = b, a
	}
	if a != "s 8-0 f 8" || b != "s 9-0 f 9" {
		t.Errorf("got %q and %q", a, b)
	}
	c.queued(0)
	if got := c.members[0].pop("XREADGROUP GROUP g c0 BLOCK 0 STREAMS s 0").value(); got != "s 1-0 f 0" {
		t.Errorf("what is pending: %q", got)
	}
	c.sameState()
}

// TestXReadGroupGone has streams and groups go while clients wait for them.
func TestXReadGroupGone(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	leader := c.settled()
	follower := c.others(leader)[0]
	for how, want := range map[string]string{
		"XGROUP DESTROY s g":                   "NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option",
		"DEL s":                                "NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option",
		"FLUSHALL":                             "NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option",
		"RENAME other s":                       "NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option",
		"PEXPIRE s 100":                        "NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option",
		"SET s v":                              "WRONGTYPE Operation against a key holding the wrong kind of value",
		"RENAME full s":                        "s 7-0 f v",
		"XGROUP SETID s g 0":                   "s 1-0 f v",
		"EVAL return(redis.call('del','s')) 0": "NOGROUP No such key 's' or consumer group 'g' in XREADGROUP with GROUP option",
	} {
		leader.sure("FLUSHALL")
		for _, key := range []string{"s", "full"} {
			leader.sure("XADD", key, "1", "f", "v")
			leader.sure("XGROUP", "CREATE", key, "g", "$")
		}
		leader.sure("XADD", "full", "7", "f", "v")
		leader.sure("XADD", "other", "7", "f", "v")
		var all []*popper
		for _, m := range c.members {
			all = append(all, m.pop("XREADGROUP GROUP g c BLOCK 0 STREAMS s >"))
		}
		c.queued(3)
		words := []any{}
		for _, w := range strings.Fields(how) {
			words = append(words, w)
		}
		follower.sure(words...)
		if strings.HasPrefix(want, "s ") { // for one of them
			leader.sure("XADD", "s", "8", "f", "v")
			c.queuedWithin(1, 2)
			leader.sure("DEL", "s")
			got := all[0].value() + all[1].value() + all[2].value()
			if !strings.Contains(got, want) {
				t.Errorf("%s: clients got %q, want %q", how, got, want)
			}
			c.queued(0)
			continue
		}
		for i, p := range all {
			if got := p.value(); got != want {
				t.Errorf("%s: client %d got %q, want %q", how, i, got, want)
			}
		}
		c.queued(0)
	}
}

// TestStreamsLeaderGone kills the leader while clients of the others wait in XREAD
// and XREADGROUP: each gets its entry, and gets it once.
func TestStreamsLeaderGone(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	old := c.settled()
	old.sure("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM")
	var group, read []*popper
	for i := range 4 {
		m := c.others(old)[i%2]
		group = append(group, m.pop(fmt.Sprintf("XREADGROUP GROUP g c%d COUNT 1 BLOCK 0 STREAMS s >", i)))
		c.queued(i + 1)
		read = append(read, m.pop("XREAD BLOCK 0 STREAMS s $"))
		m.reading(i/2 + 1)
	}
	unblocked := c.others(old)[0].pop("CLIENT ID\r\nXREADGROUP GROUP g late BLOCK 0 STREAMS s >")
	id := strings.TrimPrefix(unblocked.answer(), ":")
	c.queued(5)
	survivor := c.others(old)[0]
	old.kill()
	leader := c.settled()
	c.queued(5)
	for i := range 4 {
		leader.sure("XADD", "s", fmt.Sprint(i+1), "f", i)
	}
	var got []string
	for _, p := range group {
		got = append(got, p.value())
	}
	slices.Sort(got)
	if want := []string{"s 1-0 f 0", "s 2-0 f 1", "s 3-0 f 2", "s 4-0 f 3"}; !slices.Equal(got, want) {
		t.Errorf("the group got %q, want %q", got, want)
	}
	for i, p := range read {
		if got := p.value(); !strings.HasPrefix(got, "s 1-0 f 0") {
			t.Errorf("reader %d got %q", i, got)
		}
	}
	v := leader.sure("XPENDING", "s", "g", "-", "+", "10")
	pending, consumers := v.([]any), map[any]bool{}
	for _, p := range pending {
		entry := p.([]any)
		consumers[entry[1]] = true
		if entry[3] != int64(1) {
			t.Errorf("entry %v was given out %v times", entry[0], entry[3])
		}
	}
	if len(pending) != 4 || len(consumers) != 4 {
		t.Errorf("pending after one entry for each: %v", pending)
	}
	c.queued(1)
	if n := survivor.sure("CLIENT", "UNBLOCK", id, "ERROR"); n != int64(1) {
		t.Errorf("unblocked %v clients", n)
	}
	if got := unblocked.value(); !strings.HasPrefix(got, "UNBLOCKED") {
		t.Errorf("unblocked with an error: %q", got)
	}
	c.queued(0)
}

// TestReadersRestored has a node get a snapshot in the place of entries.
func TestReadersRestored(t *testing.T) {
	m := newMachine(func(error) {}, func([]fsm.Message) {}, 0)
	m.readers = newReaders(m.view)
	state := fsm.NewStateAt(fsm.NewestLevel)
	var g fsm.Group
	g.Add(fsm.Lookup("XADD"), [][]byte{[]byte("XADD"), []byte("s"), []byte("7"), []byte("f"), []byte("v")}, nil)
	entry := fsm.Entry{Time: 1, Batches: []fsm.Batch{{Origin: fsm.Origin{ID: 1, Life: 1}, Seq: 1, Body: g.Append(nil, 3)}}}
	if _, err := state.Apply(1, entry); err != nil {
		t.Fatal(err)
	}
	r, w := io.Pipe()
	go func() { w.CloseWithError(state.Freeze().Encode(w)) }()
	wait, _ := fsm.WaitOf(fsm.Lookup("XREAD"), [][]byte{[]byte("XREAD"), []byte("BLOCK"), []byte("0"), []byte("STREAMS"), []byte("s"), []byte("6")})
	turns := 0
	rd := m.readers.enter(3, wait, func(bool) { turns++ })
	if err := m.Restore(r); err != nil || turns != 1 {
		t.Errorf("%v: %d turns, want 1", err, turns)
	}
	m.readers.all()
	if rd.Stay(); turns != 2 { // it is there still
		t.Errorf("%d turns, want 2", turns)
	}
	rd.Leave()
	if m.readers.all(); turns != 2 || len(m.readers.lines) > 0 || m.readers.count.Load() != 0 {
		t.Errorf("a client that has left is called, or known")
	}
}
