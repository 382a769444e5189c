package node

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// alive asks for a page that has to be there as long as the process runs.
func (m *member) alive(page string) bool {
	r, err := http.Get("http://" + m.conf.HTTP + page)
	if err != nil {
		return false
	}
	r.Body.Close()
	return r.StatusCode == http.StatusOK
}

// A stopper is a log that stops who writes a message, until it is let go.
type stopper struct {
	slog.Handler
	message string
	there   chan struct{} // closed when the message comes
	goOn    chan struct{}
	once    *sync.Once
}

func (s stopper) Handle(_ context.Context, r slog.Record) error {
	if strings.HasPrefix(r.Message, s.message) {
		s.once.Do(func() {
			close(s.there)
			<-s.goOn
		})
	}
	return nil
}

func (stopper) Enabled(context.Context, slog.Level) bool { return true }
func (s stopper) WithAttrs([]slog.Attr) slog.Handler     { return s }
func (s stopper) WithGroup(string) slog.Handler          { return s }

// TestProbesWhileLoading stops a node in the middle of loading its snapshot: it is
// alive, and not ready before it is done.
func TestProbesWhileLoading(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 1, nil)
	m := c.members[0]
	m.must("SET", "k", "v")
	if err := m.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.stop()
	s := stopper{message: "starting restore from snapshot", there: make(chan struct{}), goOn: make(chan struct{}), once: new(sync.Once)}
	m.conf.Log = slog.New(s)
	started := make(chan struct{})
	go func() {
		defer close(started)
		m.start()
	}()
	select {
	case <-s.there:
	case <-time.After(patience):
		t.Fatal("no snapshot is loaded")
	}
	for _, page := range []string{"/livez", "/metrics", "/status"} {
		if !m.alive(page) {
			t.Errorf("%s is not there", page)
		}
	}
	if code, body := m.ready(); code != http.StatusServiceUnavailable || !strings.Contains(body, "[-]running the node is starting") {
		t.Errorf("while it loads: %d, %s", code, body)
	}
	close(s.goOn)
	<-started
	until(t, "it is ready", func() bool { code, _ := m.ready(); return code == http.StatusOK })
	if got := m.client().Get(t.Context(), "k").Val(); got != "v" {
		t.Errorf("k is %q", got)
	}
}

// TestProbesWithoutLeader leaves one node of three, which then is told to stop
// while a client waits for its write: it is alive all the time, and not ready.
func TestProbesWithoutLeader(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	leader := c.settled()
	m := c.others(leader)[0]
	until(t, "it is ready", func() bool { code, _ := m.ready(); return code == http.StatusOK })
	conn := m.client()
	for _, other := range c.others(m) {
		other.kill()
	}
	until(t, "it is not ready", func() bool {
		code, body := m.ready()
		return code == http.StatusServiceUnavailable && strings.Contains(body, "[-]leader no leader is known")
	})
	if !m.alive("/livez") {
		t.Error("a node without a leader is not alive")
	}
	written := make(chan error, 1)
	go func() { written <- conn.Set(context.Background(), "k", "v", 0).Err() }()
	time.Sleep(200 * time.Millisecond)
	closed := make(chan error, 1)
	go func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		closed <- m.Close(ctx)
	}()
	until(t, "it is stopping", func() bool {
		code, body := m.ready()
		return code == http.StatusServiceUnavailable && strings.Contains(body, "[-]running the node is stopping")
	})
	if !m.alive("/livez") {
		t.Error("a node that stops is not alive")
	}
	if err := <-written; err == nil {
		t.Error("a write without a quorum was accepted")
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
	m.Node = nil
}
