package node

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// A popper is a connection whose client waits.
type popper struct {
	conn net.Conn
	r    *bufio.Reader
}

// pop sends a command on a new connection and returns without the answer.
func (m *member) pop(line string) *popper {
	m.c.t.Helper()
	conn, err := net.Dial("tcp", m.conf.Redis)
	if err != nil {
		m.c.t.Fatal(err)
	}
	m.c.t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "%s\r\n", line)
	return &popper{conn, bufio.NewReaderSize(conn, 64)}
}

// answer reads a reply, its lines joined by blanks.
func (p *popper) answer() string {
	p.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	line := func() string {
		s, err := p.r.ReadString('\n')
		if err != nil {
			return kindOf(err)
		}
		return strings.TrimSpace(s)
	}
	text := line()
	for n, _ := strconv.Atoi(strings.TrimPrefix(text, "*")); text[:min(1, len(text))] == "*" && n > 0; n-- {
		line() // the length
		text += " " + line()
	}
	return text
}

// waiting waits until the leader knows of n clients that wait.
func (c *cluster) waiting(leader *member, n int) {
	c.t.Helper()
	until(c.t, fmt.Sprint(n, " clients that wait"), func() bool { return leader.waiters.count.Load() == int64(n) })
}

// must has the node carry out a command. It sends it again where that says that it
// was not done as there is no leader: on a busy machine one may resign at any time.
func (m *member) must(args ...any) (v any) {
	m.c.t.Helper()
	until(m.c.t, fmt.Sprint(args...), func() bool {
		var err error
		v, err = m.client().Do(context.Background(), args...).Result()
		if kindOf(err) == "loading" {
			return false
		}
		if err != nil && !errors.Is(err, redis.Nil) {
			m.c.t.Fatalf("%v on %s: %v", args, m.host, err)
		}
		return true
	})
	return v
}

// served checks what clients got, in any order.
func served(t *testing.T, poppers []*popper, want ...string) {
	t.Helper()
	var got []string
	for _, p := range poppers {
		got = append(got, p.answer())
	}
	slices.Sort(got)
	if !slices.Equal(got, want) {
		t.Errorf("clients got %q, want %q", got, want)
	}
}

// TestBlockingInOrder has clients of all nodes wait for one key.
func TestBlockingInOrder(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	leader := c.settled()
	var all []*popper
	for i := range 9 {
		all = append(all, c.members[i*2%3].pop("BLPOP nothing q 0"))
		c.waiting(leader, i+1)
	}
	for i, p := range all[:3] {
		c.members[i].must("RPUSH", "q", i)
		if got := p.answer(); got != fmt.Sprint("*2 q ", i) {
			t.Errorf("client %d got %q", i, got)
		}
	}
	// Those who are called at the same time may overtake one another.
	c.members[0].must("RPUSH", "q", 3, 4, 5)
	served(t, all[3:6], "*2 q 3", "*2 q 4", "*2 q 5")
	c.waiting(leader, 3)
	c.members[1].must("RPUSH", "q", 6, 7, 8)
	served(t, all[6:], "*2 q 6", "*2 q 7", "*2 q 8")
	c.waiting(leader, 0)

	// In a transaction nobody waits; an element that it leaves behind is for those who do.
	p := c.members[1].pop("BZPOPMIN z 0")
	c.waiting(leader, 1)
	tx := c.members[2].client().TxPipeline()
	tx.Do(t.Context(), "ZADD", "z", 1, "gone")
	tx.Do(t.Context(), "BZPOPMIN", "z", 0)
	tx.Do(t.Context(), "BZPOPMIN", "z", 0)
	tx.Do(t.Context(), "ZADD", "z", 2, "left")
	tx.Do(t.Context(), "RENAME", "z", "y")
	tx.Do(t.Context(), "RENAME", "y", "z")
	if _, err := tx.Exec(t.Context()); err != nil && !errors.Is(err, redis.Nil) {
		t.Fatal(err)
	}
	if got := p.answer(); got != "*3 z left 2" {
		t.Errorf("after the transaction: %q", got)
	}
	c.sameState()
}

// TestBlockingOneEntry pushes what a client of the same leader waits for. The pop
// shares the push's log entry, unless this machine is too busy for once.
func TestBlockingOneEntry(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	leader := c.settled()
	least := uint64(math.MaxUint64)
	for i := range 50 {
		p := leader.pop("BRPOP q 0")
		c.waiting(leader, 1)
		before := leader.machine.entries.Load()
		if n := leader.must("LPUSH", "q", i); n != int64(1) {
			t.Errorf("the list had %v elements, not 1", n)
		}
		if got := p.answer(); got != fmt.Sprint("*2 q ", i) {
			t.Errorf("the client got %q", got)
		}
		least = min(least, leader.machine.entries.Load()-before)
		c.waiting(leader, 0)
	}
	if least != 1 {
		t.Errorf("a push and its pop took %d log entries", least)
	}
}

// TestBlockingWrongType has a key become of another type, while a client waits.
func TestBlockingWrongType(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	leader := c.settled()
	follower := c.others(leader)[0]
	p, q := follower.pop("BLMOVE q to LEFT LEFT 0"), leader.pop("BRPOP q 0")
	c.waiting(leader, 2)
	leader.must("SET", "q", "v")
	for _, m := range c.members {
		if got := m.pop("BRPOP nothing q 0").answer(); !strings.HasPrefix(got, "-WRONGTYPE") {
			t.Errorf("a wrong type on %s: %q", m.host, got)
		}
	}
	leader.must("SET", "to", "v")
	leader.must("DEL", "q")
	leader.must("RPUSH", "q", "1", "2")
	if got := p.answer(); !strings.HasPrefix(got, "-WRONGTYPE") {
		t.Errorf("to a wrong type: %q", got)
	}
	if got := q.answer(); got != "*2 q 2" {
		t.Errorf("the next: %q", got)
	}
}

// TestBlockingLeaderGone kills the leader while clients of the others wait: they
// wait on, in the same order, and time out when they said they would.
func TestBlockingLeaderGone(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	old := c.settled()
	began := time.Now()
	late := c.others(old)[1].pop("BLPOP late 4")
	var all []*popper
	for i := range 6 {
		all = append(all, c.others(old)[i%2].pop("BLPOP q 0"))
		c.waiting(old, i+2)
	}
	gone := old.pop("BLPOP q 0")
	c.waiting(old, 8)
	old.kill()
	if got := gone.answer(); got != "unknown" {
		t.Errorf("a client of the node that was killed: %q", got)
	}
	leader := c.settled()
	c.waiting(leader, 7)
	leader.must("RPUSH", "q", 0, 1, 2)
	served(t, all[:3], "*2 q 0", "*2 q 1", "*2 q 2")
	all = append(all[3:], leader.pop("BLPOP q 0"))
	c.waiting(leader, 5)

	// The old leader's own clients wait on, too, when it hands over.
	next := c.others(leader)[0]
	if next == old {
		next = c.others(leader)[1]
	}
	until(t, "a transfer", func() bool {
		leader.Transfer(t.Context(), next.conf.Name)
		return c.settled() == next
	})
	c.waiting(next, 5)
	next.must("RPUSH", "q", 3, 4, 5, 6)
	served(t, all, "*2 q 3", "*2 q 4", "*2 q 5", "*2 q 6")
	if got, took := late.answer(), time.Since(began); got != "*-1" || took < 4*time.Second || took > 15*time.Second {
		t.Errorf("%q after %v, not 4 s", got, took)
	}
	c.waiting(next, 0)
}

// TestBlockingShort lets clients wait for what is there, for less time than it
// takes to ask the leader.
func TestBlockingShort(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	leader := c.settled()
	late := 0
	for _, m := range c.members {
		for range 50 {
			leader.must("RPUSH", "q", "v")
			for m.pop("BLPOP q 0.001").answer() != "*2 q v" {
				late++ // a machine may stand still for longer than a client waits
			}
		}
	}
	if late > 5 {
		t.Errorf("%d times of 150 nothing was found", late)
	}
}

// TestBlockingNoLeader has a client wait on a node that has no leader.
func TestBlockingNoLeader(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	leader := c.settled()
	alone := c.others(leader)[0]
	until(t, "it has caught up once", alone.current.Load)
	c.isolate(alone)
	until(t, "no leader", func() bool { now, _ := alone.leaders.get(); return now.id == "" })
	short, began := alone.pop("BLPOP q 2.5"), time.Now()
	long := alone.pop("BLPOP q 0")
	if got, took := short.answer(), time.Since(began); got != "*-1" || took < 2450*time.Millisecond || took > 15*time.Second {
		t.Errorf("%q after %v, not 2.5 s", got, took)
	}
	leader.must("RPUSH", "q", "v")
	c.net.HealAll()
	if got := long.answer(); got != "*2 q v" {
		t.Errorf("after the cut: %q", got)
	}
}

// TestBlockingClientGone has clients go while they wait: what they waited for
// stays.
func TestBlockingClientGone(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	leader := c.settled()
	for i, m := range c.members {
		line := fmt.Sprintf("BLPOP q%d 0", i)
		p, half := m.pop(line), m.pop(line)
		c.waiting(leader, 2)
		p.conn.Close()
		half.conn.(*net.TCPConn).CloseWrite()
		c.waiting(leader, 0)
		leader.must("RPUSH", fmt.Sprint("q", i), "v")
		if n := leader.must("LLEN", fmt.Sprint("q", i)); n != int64(1) {
			t.Errorf("on %s: %d elements left of 1", m.host, n)
		}
	}
	// What a client sends while it waits is answered after it.
	p := c.members[0].pop("BLPOP p 0\r\nPING\r\nBLPOP q0 0")
	c.waiting(leader, 1)
	const pings = 12_000 // more than is read ahead
	go fmt.Fprint(p.conn, strings.Repeat("PING\r\n", pings))
	leader.must("RPUSH", "p", "v")
	for _, want := range []string{"*2 p v", "+PONG", "*2 q0 v"} {
		if got := p.answer(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	for i := range pings {
		if got := p.answer(); got != "+PONG" {
			t.Fatalf("ping %d: %q", i, got)
		}
	}
}

// TestBlockingMany has thousands of clients wait, and measures how late their
// timeouts are. It runs alone, for the sake of the ports that it takes.
func TestBlockingMany(t *testing.T) {
	c := startCluster(t, 3, nil)
	leader := c.settled()
	const n = 2000
	var poppers []*popper
	for i := range n {
		poppers = append(poppers, c.members[i%3].pop("PING"))
	}
	late := make([]time.Duration, n)
	var wait sync.WaitGroup
	entries := leader.machine.entries.Load()
	for i, p := range poppers {
		p.answer()
		began := time.Now()
		timeout := 2*time.Second + time.Duration(i%100)*10*time.Millisecond
		fmt.Fprintf(p.conn, "BRPOP q%d shared %.3f\r\n", i%10, timeout.Seconds())
		wait.Go(func() {
			if got := p.answer(); got != "*-1" {
				t.Errorf("client %d got %q", i, got)
			}
			late[i] = time.Since(began) - timeout
		})
	}
	c.waiting(leader, n)
	if got := leader.machine.entries.Load() - entries; got > 3 {
		t.Errorf("%d log entries for clients that do nothing", got)
	}
	wait.Wait()
	slices.Sort(late)
	t.Logf("timeouts are late by %v at least, %v in the middle, %v at most", late[0], late[n/2], late[n-1])
	if late[0] < 0 || late[n/2] > 300*time.Millisecond {
		t.Errorf("timeouts are off by %v to %v", late[0], late[n-1])
	}
	c.waiting(leader, 0)
	for _, m := range c.members {
		if n := len(m.blocking.here); n > 0 {
			t.Errorf("%d clients left on %s", n, m.host)
		}
	}
}
