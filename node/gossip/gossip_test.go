package gossip

import (
	"bytes"
	"fmt"
	"log/slog"
	"net"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"
)

func mustStart(t *testing.T, opts Options) *Gossip {
	t.Helper()
	if opts.Bind == "" {
		opts.Bind = "127.0.0.1:0"
	}
	g, err := Start(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("never happened: %s", what)
}

// sees returns the peers as "id" where they are alive and "-id" where not.
func sees(g *Gossip) string {
	var ids []string
	for _, p := range g.Peers() {
		if p.Alive {
			ids = append(ids, p.ID)
		} else {
			ids = append(ids, "-"+p.ID)
		}
	}
	return strings.Join(ids, " ")
}

func TestThreeNodes(t *testing.T) {
	key := [][]byte{[]byte("0123456789abcdef")}
	a := mustStart(t, Options{ID: "a-1", Meta: Meta{Name: "a", Expect: 3}, Keys: key})
	join := []string{a.Addr()}
	b := mustStart(t, Options{ID: "b-1", Join: join, Keys: key})
	full := Meta{Name: "c", Peer: "c.trivet:7000", Cluster: "c1", Version: "1.0", Member: true, Expect: 3}
	c := mustStart(t, Options{ID: "c-1", Join: join, Meta: full, Keys: key})
	eventually(t, "all see each other", func() bool {
		return sees(a) == "b-1 c-1" && sees(b) == "a-1 c-1" && sees(c) == "a-1 b-1"
	})
	full.ID = "c-1"
	if got := b.Peers()[1].Meta; !reflect.DeepEqual(got, full) {
		t.Errorf("b knows of c %+v, want %+v", got, full)
	}

	if err := b.SetMeta(Meta{Name: "b", Cluster: "c9", Member: true}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "b's change is known", func() bool {
		return a.Peers()[0].Cluster == "c9" && c.Peers()[1].Cluster == "c9" && c.Peers()[1].Member
	})
	if err := b.SetMeta(Meta{Name: strings.Repeat("b", 512)}); err == nil {
		t.Error("metadata too large was taken")
	}
	if a.Peers()[0].Name != "b" {
		t.Error("refused metadata was told")
	}

	// A node that falls silent, rather than says goodbye.
	if err := c.end(false); err != nil {
		t.Fatal(err)
	}
	eventually(t, "c is noticed as dead", func() bool { return sees(a) == "b-1 -c-1" && sees(b) == "a-1 -c-1" })
	if a.Peers()[1].Peer != "c.trivet:7000" {
		t.Error("what the dead node was is forgotten")
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "b left", func() bool { return sees(a) == "-b-1 -c-1" })
}

// The node comes back elsewhere under its ID, as a pod does.
func TestMovedNode(t *testing.T) {
	a := mustStart(t, Options{ID: "a-1"})
	b := mustStart(t, Options{ID: "b-1", Join: []string{a.Addr()}})
	eventually(t, "found", func() bool { return sees(a) == "b-1" })
	if err := b.end(false); err != nil {
		t.Fatal(err)
	}
	mustStart(t, Options{ID: "b-1", Join: []string{a.Addr()}, Meta: Meta{Name: "moved"}})
	eventually(t, "found again", func() bool { return sees(a) == "b-1" && a.Peers()[0].Name == "moved" })
}

func TestLateTarget(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	late := l.Addr().String()
	_ = l.Close()
	log := &lockedBuffer{}
	a := mustStart(t, Options{
		ID: "a-1", Join: []string{late, "no-such-host.invalid:7000"},
		Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelWarn})),
	})
	time.Sleep(2500 * time.Millisecond) // some attempts
	if sees(a) != "" {
		t.Errorf("sees %q", sees(a))
	}
	if n := strings.Count(log.String(), "has not found"); n != 1 {
		t.Errorf("logged %d times:\n%s", n, log)
	}
	b := mustStart(t, Options{ID: "b-1", Bind: late})
	eventually(t, "found each other", func() bool { return sees(a) == "b-1" && sees(b) == "a-1" })
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// A name among the targets that stands for the node itself is no one to join.
func TestOwnAddress(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close()
	_, port, _ := net.SplitHostPort(addr)
	a := mustStart(t, Options{ID: "a-1", Bind: addr, Advertise: "localhost:" + port, Join: []string{addr}})
	if a.Addr() != addr {
		t.Errorf("bound to %s, not %s", a.Addr(), addr)
	}
	j := &joiner{targets: []string{addr, "127.0.0.1:1", "127.0.0.1:1"}, self: a.advertised()}
	if addrs, errs := j.resolve(); len(addrs) != 1 || addrs[0] != "127.0.0.1:1" || errs != nil {
		t.Errorf("would join %v, %v", addrs, errs)
	}
}

func TestStartErrors(t *testing.T) {
	taken := mustStart(t, Options{ID: "x"})
	for name, opts := range map[string]Options{
		"no id":       {Bind: "127.0.0.1:0"},
		"large":       {ID: "a", Bind: "127.0.0.1:0", Meta: Meta{Peer: strings.Repeat("x", 500)}},
		"no port":     {ID: "a", Bind: "127.0.0.1"},
		"odd port":    {ID: "a", Bind: "127.0.0.1:x"},
		"odd advert":  {ID: "a", Bind: "127.0.0.1:0", Advertise: "x"},
		"taken":       {ID: "a", Bind: taken.Addr()},
		"key too odd": {ID: "a", Bind: "127.0.0.1:0", Keys: [][]byte{[]byte("short")}},
	} {
		if g, err := Start(opts); err == nil {
			_ = g.Close()
			t.Errorf("%s: started", name)
		}
	}
}

func TestMetaLimit(t *testing.T) {
	empty, err := Meta{ID: "a"}.encode()
	if err != nil {
		t.Fatal(err)
	}
	for size, want := range map[int]bool{511: true, 512: false} {
		m := Meta{ID: "a" + strings.Repeat("x", size-len(empty))}
		b, err := m.encode()
		if (err == nil) != want {
			t.Errorf("%d bytes: %v", len(b), err)
		}
	}
	if _, err := (Meta{Name: strings.Repeat("n", 600)}).encode(); err == nil || !strings.Contains(err.Error(), "limit is 511") {
		t.Error(fmt.Sprint(err))
	}
}
