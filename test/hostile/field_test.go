//go:build hostile

package hostile

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/trivetdb/trivet/test/cluster"
)

// memory is what each node may have.
const memory = 1 << 30

// A field is three nodes, each in a box. The inputs of a group share it, one after the
// other, and a node that dies is followed by three fresh ones.
type field struct {
	*cluster.Cluster
	boxes    []*box
	pids     []int
	password string
}

func newField(t *testing.T, g *group) *field {
	f := &field{password: g.password}
	for i := range 3 {
		f.boxes = append(f.boxes, newBox(t, fmt.Sprintf("trivet-hostile-%d-%d", os.Getpid(), i+1), memory))
	}
	f.Cluster = cluster.New(t, append([]string{"--on-follower", "forward"}, g.flags...)...)
	for _, b := range f.boxes {
		f.Add("--bootstrap-expect", "3").Through = b.through()
	}
	f.start(t)
	return f
}

// start starts all nodes, with what they have on their disks.
func (f *field) start(t *testing.T) {
	t.Helper()
	f.pids = nil
	for _, n := range f.Nodes {
		n.Start()
		f.pids = append(f.pids, n.PID())
	}
	if err := f.serves(time.Minute); err != nil {
		t.Fatalf("the nodes do not serve after a start: %v", err)
	}
}

// crash kills all nodes at once.
func (f *field) crash() {
	for _, n := range f.Nodes {
		if n.Running() {
			n.Signal(syscall.SIGKILL)
		}
	}
	for _, n := range f.Nodes {
		n.Kill()
	}
}

// renew has fresh nodes take the place of those that an input has harmed.
func (f *field) renew(t *testing.T) {
	t.Helper()
	f.crash()
	for _, n := range f.Nodes {
		if err := os.RemoveAll(n.Dir); err != nil {
			t.Fatal(err)
		}
		os.Rename(n.Log, n.Log+".before")
	}
	f.start(t)
}

// serves waits until all nodes are ready and their states are equal.
func (f *field) serves(within time.Duration) error {
	end := time.Now().Add(within)
	for {
		if err := f.alive(); err != nil {
			return err
		}
		err := f.ready()
		if err == nil {
			err = f.same(time.Until(end))
		}
		if err == nil || time.Now().After(end) {
			return err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// lives waits half a second and then until all nodes are ready.
func (f *field) lives(within time.Duration) error {
	end := time.Now().Add(within)
	for {
		time.Sleep(500 * time.Millisecond)
		if err := f.alive(); err != nil {
			return err
		}
		if err := f.ready(); err == nil || time.Now().After(end) {
			return err
		}
	}
}

// alive says which nodes have died, and of what.
func (f *field) alive() error {
	var dead []error
	for i, n := range f.Nodes {
		if n.Running() && n.PID() == f.pids[i] {
			continue
		}
		dead = append(dead, fmt.Errorf("%s died: %s", n.Name, f.cause(i)))
	}
	return errors.Join(dead...)
}

var lastWords = regexp.MustCompile(`(?m)^(panic: .*|fatal error: .*|runtime: goroutine stack exceeds.*|trivet: .*|.*level=ERROR.*)$`)

// cause says why a node has ended.
func (f *field) cause(i int) string {
	how := f.Nodes[i].Ended()
	log, _ := os.ReadFile(f.Nodes[i].Log)
	if f.boxes[i].killed() > 0 && strings.Contains(how, "killed") {
		return "out of memory"
	}
	if words := lastWords.Find(log); words != nil {
		how += ", " + string(words[:min(len(words), 200)])
	}
	return how
}

// ready asks all nodes whether they are.
func (f *field) ready() error {
	get := http.Client{Timeout: 5 * time.Second}
	for _, n := range f.Nodes {
		r, err := get.Get("http://" + n.HTTP + "/readyz")
		if err != nil {
			return fmt.Errorf("%s: %w", n.Name, err)
		}
		r.Body.Close()
		if r.StatusCode != http.StatusOK {
			return fmt.Errorf("%s is not ready: status %d", n.Name, r.StatusCode)
		}
	}
	return nil
}

// same compares the digests of the nodes' states.
func (f *field) same(within time.Duration) error {
	first := ""
	for _, n := range f.Nodes {
		c, err := f.connect(n)
		if err != nil {
			return err
		}
		v, err := c.do(max(within, 5*time.Second), "RAFT", "DIGEST")
		c.Close()
		digest := strings.TrimSpace(v.Str)
		switch {
		case err != nil || v.IsError():
			return fmt.Errorf("RAFT DIGEST of %s: %s %w", n.Name, v.Str, err)
		case first == "":
			first = digest
		case digest != first:
			return fmt.Errorf("the state of %s is not that of %s", n.Name, f.Nodes[0].Name)
		}
	}
	return nil
}

// roles returns the leader and the others.
func (f *field) roles(t *testing.T) (leader *cluster.Node, followers []*cluster.Node) {
	t.Helper()
	end := time.Now().Add(20 * time.Second)
	for time.Now().Before(end) {
		for _, n := range f.Nodes {
			if c, err := f.connect(n); err == nil {
				v, err := c.do(5*time.Second, "ROLE")
				c.Close()
				if err == nil && len(v.Elems) > 0 && v.Elems[0].Str == "master" {
					return n, f.Others(n)
				}
			}
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("no leader")
	return nil, nil
}
