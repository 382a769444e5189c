package node

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/transport"
)

func init() {
	logging.Disable() // the client reports each refused connection, and these tests stop nodes
	nextPort.Store(rand.Uint32N(ports))
}

// Ports of nodes are from firstPort on. Processes that test at once begin at some
// place of their own.
const firstPort, ports = 20000, 12000

var nextPort atomic.Uint32

// testSecret is what the nodes of all tests know.
const testSecret = "what all nodes of a test know"

// A cluster is some nodes in this process. What nodes say to one another, but
// for gossip, goes over a network in memory that can be cut.
type cluster struct {
	t       testing.TB
	net     *transport.Memory
	members []*member
}

// A member is a node, or where one will run. Its addresses stay.
type member struct {
	*Node // nil while it does not run
	c     *cluster
	host  string
	conf  Config
}

// newCluster returns n nodes, a, b, c and so on, that do not run yet.
func newCluster(t testing.TB, n int, change func(*Config)) *cluster {
	c := &cluster{t: t, net: transport.NewMemory()}
	for range n {
		c.add(func(conf *Config) {
			conf.BootstrapExpect = n
			if change != nil {
				change(conf)
			}
		})
	}
	t.Cleanup(c.close)
	return c
}

// startCluster runs n nodes and waits until all are voters with one leader.
func startCluster(t testing.TB, n int, change func(*Config)) *cluster {
	c := newCluster(t, n, change)
	for _, m := range c.members {
		m.start()
	}
	c.settled()
	return c
}

// add makes room for one more node. It joins the first.
func (c *cluster) add(change func(*Config)) *member {
	host := string(rune('a' + len(c.members)))
	conf := Config{
		Name: host, DataDir: c.t.TempDir(), Network: c.net.Host(host), OnFollower: Forward, Log: testLog(host),
		Redis: "127.0.0.1:0", Classic: "127.0.0.1:0", HTTP: "127.0.0.1:0",
		Peer: host + ":1", Gossip: freeAddr(c.t), PeerSecret: testSecret,
	}
	if len(c.members) > 0 {
		conf.Join = []string{c.members[0].conf.Gossip}
	}
	change(&conf)
	m := &member{c: c, host: host, conf: conf}
	c.members = append(c.members, m)
	return m
}

// testLog shows the nodes' logs where TRIVET_TEST_LOG is set.
func testLog(host string) *slog.Logger {
	if os.Getenv("TRIVET_TEST_LOG") == "" {
		return nil
	}
	return slog.New(slog.NewTextHandler(os.Stderr, nil)).With("on", host)
}

// freeAddr returns an address that gossip can listen on, by TCP and UDP. It is
// below the ports that the kernel gives to connections, and no other test gets it,
// and so it stays free.
func freeAddr(t testing.TB) string {
	t.Helper()
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", firstPort+nextPort.Add(1)%ports)
		tcp, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		udp, err := net.ListenPacket("udp", addr)
		tcp.Close()
		if err == nil {
			udp.Close()
			return addr
		}
	}
	t.Fatal("no free port")
	return ""
}

func (m *member) start() {
	m.c.t.Helper()
	// Meanwhile another process may have been given the port that was free.
	n, err := Open(m.conf)
	for end := time.Now().Add(30 * time.Second); errors.Is(err, syscall.EADDRINUSE) && time.Now().Before(end); n, err = Open(m.conf) {
		time.Sleep(100 * time.Millisecond)
	}
	if err != nil {
		m.c.t.Fatalf("open %s: %v", m.conf.Name, err)
	}
	m.Node = n
	// Clients find the node where it was before.
	m.conf.Redis, m.conf.Classic, m.conf.HTTP = n.addresses.redis, n.addresses.classic, n.addresses.http
}

// stop ends the node in order.
func (m *member) stop() {
	m.c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := m.Close(ctx); err != nil {
		m.c.t.Errorf("close %s: %v", m.conf.Name, err)
	}
	m.Node = nil
}

// kill ends the node as a crash would.
func (m *member) kill() {
	m.c.net.Kill(m.host)
	m.Kill()
	m.Node = nil
}

func (c *cluster) close() {
	c.net.HealAll()
	var wait sync.WaitGroup // one after the other, the last would look for the rest
	for _, m := range c.members {
		if m.Node != nil {
			wait.Go(m.kill)
		}
	}
	done := make(chan struct{})
	go func() {
		wait.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(30 * time.Second):
		c.t.Errorf("nodes do not end:\n%s", stacks())
	}
}

// isolate cuts a node off from all others; gossip goes on.
func (c *cluster) isolate(m *member) {
	for _, other := range c.others(m) {
		c.net.Partition(m.host, other.host)
	}
}

func (c *cluster) others(than *member) (others []*member) {
	for _, m := range c.members {
		if m != than {
			others = append(others, m)
		}
	}
	return others
}

// leaderOf waits until all of the nodes follow one of them, and returns that.
func (c *cluster) leaderOf(members ...*member) (leader *member) {
	c.t.Helper()
	until(c.t, "a leader", func() bool {
		leader = nil
		for _, m := range members {
			if now, _ := m.leaders.get(); m.Leads() && now.id == m.id {
				leader = m
			}
		}
		for _, m := range members {
			if leader == nil || !m.follows(leader) {
				return false
			}
		}
		return true
	})
	return leader
}

func (m *member) follows(leader *member) bool {
	now, _ := m.leaders.get()
	return now.id == leader.id && m.raft.CurrentTerm() == leader.raft.CurrentTerm()
}

// settled waits until all nodes that run are voters, know it, and follow one leader.
func (c *cluster) settled() *member {
	c.t.Helper()
	var running []*member
	for _, m := range c.members {
		if m.Node != nil {
			running = append(running, m)
		}
	}
	until(c.t, "all nodes voters", func() bool {
		for _, m := range running {
			if !m.self().Voter || !m.joined.Load() {
				return false
			}
		}
		return true
	})
	return c.leaderOf(running...)
}

// patience is long, since machines can be busy, and costs nothing where all is well.
const patience = 2 * time.Minute

// until waits for what a test needs to go on.
func until(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// never fails the test if something happens within a time.
func never(t testing.TB, what string, within time.Duration, happens func() bool) {
	t.Helper()
	for end := time.Now().Add(within); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if happens() {
			t.Fatal(what)
		}
	}
}

// client returns a client with one connection to the node and no retries.
func (m *member) client() *redis.Client {
	conn := redis.NewClient(&redis.Options{
		Addr: m.conf.Redis, MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true, PoolSize: 1,
		DialTimeout: 5 * time.Second, ReadTimeout: 20 * time.Second, WriteTimeout: 20 * time.Second,
	})
	m.c.t.Cleanup(func() { conn.Close() })
	return conn
}

// digest asks the node over the wire, as an operator would.
func (m *member) digest() string {
	conn := m.client()
	defer conn.Close()
	s, err := conn.Do(context.Background(), "RAFT", "DIGEST").Text()
	return cmp.Or(s, fmt.Sprint(err))
}

// sameState waits until all nodes that run hold the same state at the same
// index, and checks the invariants of it.
func (c *cluster) sameState() {
	c.t.Helper()
	var last []string
	defer func() {
		if c.t.Failed() {
			c.t.Logf("digests: %s", strings.Join(last, "\n\t"))
		}
	}()
	until(c.t, "the same state everywhere", func() bool {
		last = nil
		same := true
		for _, m := range c.members {
			if m.Node != nil {
				last = append(last, m.digest())
				same = same && last[0] == last[len(last)-1]
			}
		}
		return same && !strings.HasPrefix(last[0], "ERR")
	})
	for _, m := range c.members {
		if m.Node != nil {
			m.machine.view(func(s *fsm.State) {
				if err := s.Check(); err != nil {
					c.t.Errorf("%s: %v", m.host, err)
				}
			})
		}
	}
}

// kindOf sorts the error of a client: "" for none, "loading" and "moved" for
// what was surely not done, "refused" for a node that is not there, "unknown"
// for a connection that ended or a client that waited long enough. All else is
// returned as it is and should never be seen.
func kindOf(err error) string {
	var op *net.OpError
	switch {
	case err == nil, errors.Is(err, redis.Nil):
		return ""
	case strings.HasPrefix(err.Error(), "LOADING"):
		return "loading"
	case strings.HasPrefix(err.Error(), "MOVED"):
		return "moved"
	case errors.As(err, &op) && op.Op == "dial":
		return "refused"
	case strings.Contains(err.Error(), "EOF"), strings.Contains(err.Error(), "reset"),
		strings.Contains(err.Error(), "broken pipe"), strings.Contains(err.Error(), "timeout"),
		errors.Is(err, context.DeadlineExceeded):
		return "unknown"
	}
	return err.Error()
}

// peek reads a string from the node's state as it is.
func (m *member) peek(key string) string {
	v, err := m.machine.read(fsm.Request{Command: fsm.Lookup("GET"), Args: [][]byte{[]byte("GET"), []byte(key)}})
	if err != nil {
		return err.Error()
	}
	return v.Str
}

// TestMain lets more tests wait at once than there are cores: that is what they
// do most of the time.
func TestMain(m *testing.M) {
	flag.Parse()
	flag.Set("test.parallel", "4")
	os.Exit(m.Run())
}
