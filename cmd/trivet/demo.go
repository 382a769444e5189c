package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/trivetdb/trivet/node"
	"github.com/trivetdb/trivet/node/server"
)

func demoCommand() *cobra.Command {
	d := &demo{}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run a cluster of three nodes on this machine, to try it",
		Long: `Run three nodes as three processes on this machine, on loopback, until Ctrl-C.
The ports are 6379 to 6381 for Redis clients and 31337 to 31339 for the article's,
or the next that are free. Kill a node and see what happens.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := usage(fromEnvironment(cmd.Flags())); err != nil {
				return err
			}
			if d.onFollower != node.Redirect && d.onFollower != node.Forward {
				return usageError{fmt.Errorf("on-follower %q: use redirect or forward", d.onFollower)}
			}
			d.out = cmd.OutOrStdout()
			return d.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&d.data, "data", "", "directory to keep the data in (default: a temporary one, removed at the end)")
	cmd.Flags().StringVar(&d.onFollower, "on-follower", node.Redirect, "what a follower does with a write: redirect or forward")
	return cmd
}

// A demo is three nodes as three processes.
type demo struct {
	data       string
	onFollower string
	secret     string // of the nodes
	out        io.Writer
	nodes      []*demoNode
	exits      chan *demoNode
}

type demoNode struct {
	name                               string
	redis, classic, peer, gossip, http string
	log                                string
	cmd                                *exec.Cmd
	role                               string
	gone                               string // how it ended; "" while it runs
}

const startTime = 30 * time.Second

func (d *demo) run(ctx context.Context) error {
	if d.data == "" {
		dir, err := os.MkdirTemp("", "trivet-demo-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		d.data = dir
	}
	// Should this process be killed, the kernel ends the nodes with the thread
	// that started them: it has to stay.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer d.stop()
	began := time.Now()
	fmt.Fprintf(d.out, "Starting three nodes, data in %s ...\n", d.data)
	if err := d.start(); err != nil {
		return err
	}
	leader, err := d.await(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "%s leads, %.1f s after the start.\n\n", leader.name, time.Since(began).Seconds())
	d.print()
	d.hints(leader)
	d.watch(ctx)
	fmt.Fprintln(d.out, "\nStopping the nodes ...")
	return nil
}

// start picks free ports and starts the processes.
func (d *demo) start() error {
	ports := freePorts{}
	join := ""
	for i := range 3 {
		n := &demoNode{name: fmt.Sprintf("node-%d", i+1)}
		for _, p := range []struct {
			to   *string
			base int
		}{{&n.redis, 6379}, {&n.classic, 31337}, {&n.peer, 7379}, {&n.gossip, 7946}, {&n.http, 8379}} {
			var err error
			if *p.to, err = ports.next(p.base); err != nil {
				return err
			}
		}
		if join == "" {
			join = n.gossip
		}
		d.nodes = append(d.nodes, n)
	}
	d.secret = node.NewSecret()
	d.exits = make(chan *demoNode, len(d.nodes))
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for _, n := range d.nodes {
		if err := n.start(self, d, join); err != nil {
			return err
		}
	}
	return nil
}

func (n *demoNode) start(self string, d *demo, join string) error {
	dir := filepath.Join(d.data, n.name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	n.log = filepath.Join(d.data, n.name+".log")
	log, err := os.OpenFile(n.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	n.cmd = exec.Command(self, "serve", "--name", n.name, "--data", dir,
		"--redis", n.redis, "--classic", n.classic, "--peer", n.peer, "--gossip", n.gossip, "--http", n.http,
		"--join", join, "--bootstrap-expect", strconv.Itoa(len(d.nodes)), "--on-follower", d.onFollower)
	n.cmd.Stdout, n.cmd.Stderr = log, log
	// A variable for trivet serve, such as a password, is not meant for these.
	n.cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "TRIVET_") })
	n.cmd.Env = append(n.cmd.Env, "TRIVET_PEER_SECRET="+d.secret)
	n.cmd.SysProcAttr = childAttributes()
	if err := n.cmd.Start(); err != nil {
		return err
	}
	go func() {
		n.cmd.Wait()
		d.exits <- n
	}()
	return nil
}

// freePorts hands out loopback ports that nobody listens on, by TCP or UDP.
type freePorts map[int]bool

func (f freePorts) next(base int) (string, error) {
	for port := base; port < base+1000; port++ {
		if f[port] {
			continue
		}
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		l.Close()
		p, err := net.ListenPacket("udp", addr)
		if err != nil {
			continue
		}
		p.Close()
		f[port] = true
		return addr, nil
	}
	return "", fmt.Errorf("no free port from %d on", base)
}

// await waits for the first leader.
func (d *demo) await(ctx context.Context) (*demoNode, error) {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		d.refresh(ctx)
		for _, n := range d.nodes {
			if n.role == "leader" && n.ready(ctx) {
				return n, nil
			}
		}
		select {
		case n := <-d.exits:
			return nil, fmt.Errorf("%s did not start: %s", n.name, lastLine(n.log))
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return nil, errors.New("stopped before there was a leader")
			}
			return nil, fmt.Errorf("no leader after %v; see the logs in %s", startTime, d.data)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// ready reports whether the node says that it is ready.
func (n *demoNode) ready(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+n.http+"/readyz", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// refresh asks the nodes for their roles.
func (d *demo) refresh(ctx context.Context) {
	for _, n := range d.nodes {
		if n.gone != "" {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, time.Second)
		t := target{addresses: []string{n.redis}}
		s, _, err := t.status(ctx)
		cancel()
		n.role = "starting"
		if err == nil {
			n.role = role(s.Node)
		}
	}
}

func role(s server.Status) string {
	if s.Role == "candidate" || s.LeaderID == "" {
		return "no leader"
	}
	return s.Role
}

// watch shows what changes until ctx ends.
func (d *demo) watch(ctx context.Context) {
	shown := d.roles()
	for {
		select {
		case <-ctx.Done():
			return
		case n := <-d.exits:
			n.gone, n.role = n.cmd.ProcessState.String(), "gone"
			fmt.Fprintf(d.out, "\n%s (process %d) has ended: %s\n", n.name, n.cmd.Process.Pid, n.gone)
		case <-time.After(300 * time.Millisecond):
		}
		d.refresh(ctx)
		if now := d.roles(); now != shown && ctx.Err() == nil && d.settled() {
			shown = now
			fmt.Fprintln(d.out)
			d.print()
		}
	}
}

// settled reports whether a leader leads: what lies between is not worth a
// table.
func (d *demo) settled() bool {
	running, leaders := 0, 0
	for _, n := range d.nodes {
		if n.gone == "" {
			running++
		}
		if n.role == "leader" {
			leaders++
		}
	}
	return leaders == 1 || running < 2
}

func (d *demo) roles() string {
	s := ""
	for _, n := range d.nodes {
		s += n.role + " "
	}
	return s
}

func (d *demo) print() {
	w := tabwriter.NewWriter(d.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NODE\tROLE\tPROCESS\tREDIS\tCLASSIC\tHTTP")
	for _, n := range d.nodes {
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%s\n", n.name, n.role, n.cmd.Process.Pid, n.redis, n.classic, n.http)
	}
	w.Flush()
}

func (d *demo) hints(leader *demoNode) {
	_, redisPort, _ := net.SplitHostPort(leader.redis)
	_, classicPort, _ := net.SplitHostPort(leader.classic)
	fmt.Fprintf(d.out, `
Try, in another terminal:
  redis-cli -p %s set greeting hello             a Redis client at the leader
  redis-cli -c -p %s get greeting                any node answers reads; -c follows redirects
  python3 docs/classic_client.py --port %s      the article's session
  curl http://%s/readyz
  kill -9 %-41dthe leader: watch another take over
Logs are in %s. Ctrl-C stops the nodes.
`, redisPort, redisPort, classicPort, leader.http, leader.cmd.Process.Pid, d.data)
}

// stop ends the nodes that run, the leader last, so that it need not hand over
// to one that is about to stop.
func (d *demo) stop() {
	for _, leads := range []bool{false, true} {
		for _, n := range d.nodes {
			if n.cmd == nil || n.cmd.Process == nil || n.gone != "" || (n.role == "leader") != leads {
				continue
			}
			n.cmd.Process.Signal(syscall.SIGTERM)
		}
	}
	running := 0
	for _, n := range d.nodes {
		if n.cmd != nil && n.cmd.Process != nil && n.gone == "" {
			running++
		}
	}
	timeout := time.After(drainTime + 5*time.Second)
	for ; running > 0; running-- {
		select {
		case <-d.exits:
		case <-timeout:
			for _, n := range d.nodes {
				n.cmd.Process.Kill()
			}
			return
		}
	}
}

// lastLine returns the end of a log, which says why a node did not start.
func lastLine(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	end := len(b)
	for end > 0 && b[end-1] == '\n' {
		end--
	}
	start := end
	for start > 0 && b[start-1] != '\n' {
		start--
	}
	return string(b[start:end])
}
