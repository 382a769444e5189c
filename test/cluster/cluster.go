// Package cluster runs trivet nodes as processes on this machine, for tests
// that need the real program: its flags, its signals, its disk.
package cluster

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"

	"github.com/trivetdb/trivet/node/server"
)

// The client reports each refused connection, and these tests kill nodes.
func init() { logging.Disable() }

// A Cluster is some nodes on loopback. Its processes end with the test.
type Cluster struct {
	Nodes []*Node
	t     testing.TB
	bin   string
	dir   string
	flags []string
}

// A Node is one process, or where one will run.
type Node struct {
	Name                               string
	Redis, Classic, Peer, Gossip, HTTP string // addresses
	Dir                                string
	Log                                string // path
	// Through, where not empty, is a command that the process is started by: it gets
	// the program and its flags as arguments, and runs them by exec.
	Through []string
	cluster *Cluster
	args    []string // of the program, for each start
	cmd     *exec.Cmd
	done    chan struct{} // closed when the process has ended
}

// Secret is what all nodes of all clusters prove to each other.
const Secret = "what all nodes of a test know"

var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "trivet-bin-")
	if err != nil {
		return "", err
	}
	bin := filepath.Join(dir, "trivet")
	out, err := exec.Command("go", "build", "-o", bin, "github.com/trivetdb/trivet/cmd/trivet").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("build trivet: %w\n%s", err, out)
	}
	return bin, nil
})

// Binary builds the program, once a process, and returns its path.
func Binary(t testing.TB) string {
	t.Helper()
	bin, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return bin
}

// Start runs n nodes that form a cluster, each with the given flags, and waits
// until they have a leader.
func Start(t testing.TB, n int, flags ...string) *Cluster {
	t.Helper()
	c := New(t, flags...)
	for range n {
		c.Add("--bootstrap-expect", strconv.Itoa(n)).Start()
	}
	c.Leader()
	return c
}

// New returns a cluster without nodes. Its logs are printed if the test fails.
func New(t testing.TB, flags ...string) *Cluster {
	t.Helper()
	c := &Cluster{t: t, bin: Binary(t), dir: t.TempDir(), flags: flags}
	t.Cleanup(func() {
		for _, n := range c.Nodes {
			n.Kill()
		}
		if t.Failed() {
			for _, n := range c.Nodes {
				log, _ := os.ReadFile(n.Log)
				t.Logf("--- log of %s, its end:\n%s", n.Name, log[max(0, len(log)-6000):])
			}
		}
	})
	return c
}

// Add makes a node with ports of its own, not started yet.
func (c *Cluster) Add(flags ...string) *Node {
	c.t.Helper()
	name := fmt.Sprintf("n%d", len(c.Nodes)+1)
	n := &Node{
		Name: name, cluster: c, Dir: filepath.Join(c.dir, name), Log: filepath.Join(c.dir, name+".log"),
		Redis: freeAddress(c.t), Classic: freeAddress(c.t), Peer: freeAddress(c.t),
		Gossip: freeAddress(c.t), HTTP: freeAddress(c.t),
	}
	c.Nodes = append(c.Nodes, n)
	n.args = slices.Concat([]string{"serve", "--name", n.Name, "--data", n.Dir,
		"--redis", n.Redis, "--classic", n.Classic, "--peer", n.Peer, "--gossip", n.Gossip, "--http", n.HTTP,
		"--join", c.Nodes[0].Gossip, "--peer-secret", Secret}, flags, c.flags)
	return n
}

// freeAddress finds a loopback port below the range that the kernel gives to
// outgoing connections, so that it stays free while the node is down.
func freeAddress(t testing.TB) string {
	t.Helper()
	ports.Lock()
	defer ports.Unlock()
	for range 5000 {
		ports.next++
		if ports.next > 29999 {
			ports.next = 20000
		}
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(ports.next))
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		l.Close()
		u, err := net.ListenPacket("udp", addr)
		if err != nil {
			continue
		}
		u.Close()
		return addr
	}
	t.Fatal("no free port")
	return ""
}

// ports spreads test processes that run at once by their process id.
var ports = struct {
	sync.Mutex
	next int
}{next: 20000 + os.Getpid()*37%9000}

// Start runs the node's process, with the flags of the last time and more.
func (n *Node) Start(more ...string) {
	t := n.cluster.t
	t.Helper()
	log, err := os.OpenFile(n.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	n.args = append(n.args, more...)
	argv := slices.Concat(n.Through, []string{n.cluster.bin}, n.args)
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = processAttributes()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n.cmd, n.done = cmd, make(chan struct{})
	go func(done chan struct{}) {
		cmd.Wait()
		close(done)
	}(n.done)
}

// Running reports whether the process runs.
func (n *Node) Running() bool {
	if n.done == nil {
		return false
	}
	select {
	case <-n.done:
		return false
	default:
		return true
	}
}

// Signal sends a signal to the process.
func (n *Node) Signal(s syscall.Signal) { n.cmd.Process.Signal(s) }

// Kill ends the process with SIGKILL and waits for its end.
func (n *Node) Kill() {
	if n.Running() {
		n.cmd.Process.Kill()
		<-n.done
	}
}

// Stop ends the process with SIGTERM, waits for its end and returns its exit
// status.
func (n *Node) Stop() int {
	n.cluster.t.Helper()
	n.Signal(syscall.SIGTERM)
	select {
	case <-n.done:
	case <-time.After(30 * time.Second):
		n.cluster.t.Errorf("%s does not stop", n.Name)
		n.Kill()
	}
	return n.cmd.ProcessState.ExitCode()
}

// Client returns a client of this node alone, which retries nothing.
func (n *Node) Client() *redis.Client {
	return redis.NewClient(&redis.Options{
		Addr: n.Redis, MaxRetries: -1, DialerRetries: 1, DialTimeout: time.Second, ReadTimeout: 15 * time.Second, PoolSize: 64,
	})
}

// Status asks the node for its view of the cluster.
func (n *Node) Status(ctx context.Context) (s server.ClusterStatus, err error) {
	c := n.Client()
	defer c.Close()
	text, err := c.Do(ctx, "RAFT", "STATUS").Text()
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal([]byte(text), &s)
}

// Until waits until f answers true, or fails the test.
func (c *Cluster) Until(what string, within time.Duration, f func(ctx context.Context) bool) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	for !f(ctx) {
		if ctx.Err() != nil {
			c.t.Fatalf("after %v still not: %s", within, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// Leader waits for a node that leads.
func (c *Cluster) Leader() *Node {
	c.t.Helper()
	var leader *Node
	c.Until("a leader", 2*time.Minute, func(ctx context.Context) bool {
		for _, n := range c.Nodes {
			if !n.Running() {
				continue
			}
			s, err := n.Status(ctx)
			if err == nil && s.Node.Role == "leader" {
				leader = n
				return true
			}
		}
		return false
	})
	return leader
}

// Settled waits until all nodes that run are voters of one cluster and have
// applied the same entry, and returns the leader.
func (c *Cluster) Settled() *Node {
	c.t.Helper()
	leader := c.Leader()
	c.Until("all nodes are voters and even", 2*time.Minute, func(ctx context.Context) bool {
		s, err := leader.Status(ctx)
		if err != nil || s.Node.Role != "leader" {
			leader = c.Leader()
			return false
		}
		voters := 0
		for _, m := range s.Members {
			if m.Alive && m.Voter && m.Applied > 0 && m.Applied == s.Members[0].Applied {
				voters++
			}
		}
		return voters == len(s.Members) && voters >= c.running()
	})
	return leader
}

func (c *Cluster) running() int {
	running := 0
	for _, n := range c.Nodes {
		if n.Running() {
			running++
		}
	}
	return running
}

// Others returns the nodes besides one.
func (c *Cluster) Others(than *Node) []*Node {
	var others []*Node
	for _, n := range c.Nodes {
		if n != than {
			others = append(others, n)
		}
	}
	return others
}

// Run runs the program with args and returns what it printed on standard
// output and standard error, and its exit status.
func Run(t testing.TB, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, Binary(t), args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.SysProcAttr = processAttributes()
	cmd.Run()
	if ctx.Err() != nil {
		t.Errorf("trivet %s does not end", strings.Join(args, " "))
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// SameState fails the test unless all running nodes hold the same bytes.
func (c *Cluster) SameState() {
	c.t.Helper()
	c.Until("the states are equal byte for byte", 2*time.Minute, func(ctx context.Context) bool {
		digests := map[string]int{}
		for _, n := range c.Nodes {
			if !n.Running() {
				continue
			}
			client := n.Client()
			d, err := client.Do(ctx, "RAFT", "DIGEST").Text()
			client.Close()
			if err != nil {
				return false
			}
			digests[strings.TrimSpace(d)]++
		}
		return len(digests) == 1
	})
}

// Arg gives the node a flag, from its next start on, in the place of what it had.
func (n *Node) Arg(flag, value string) {
	n.args = append(n.args, flag, value) // the last one counts
}
