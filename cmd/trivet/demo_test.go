package main

import (
	"bufio"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/trivetdb/trivet/test/cluster"
)

// A stage is a demo that runs as a process.
type stage struct {
	t     *testing.T
	cmd   *exec.Cmd
	tmp   string
	lines chan string
	text  strings.Builder // all that was read
	ended bool
}

// A cast is a row of its table.
type cast struct {
	name, role           string
	pid                  int
	redis, classic, http string
}

func startDemo(t *testing.T, flags ...string) *stage {
	t.Helper()
	s := &stage{t: t, tmp: t.TempDir(), lines: make(chan string, 1000)}
	s.cmd = exec.Command(cluster.Binary(t), append([]string{"demo"}, flags...)...)
	// What is meant for a node is not for those of the demo.
	s.cmd.Env = append(os.Environ(), "TMPDIR="+s.tmp, "TRIVET_PASSWORD=secret", "TRIVET_MAX_CLIENTS=nonsense")
	s.cmd.Stderr = os.Stderr
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		for r := bufio.NewScanner(out); r.Scan(); {
			s.lines <- r.Text()
		}
		close(s.lines)
	}()
	t.Cleanup(func() {
		if !s.ended {
			s.cmd.Process.Signal(os.Interrupt)
			s.cmd.Wait()
		}
		if t.Failed() {
			t.Logf("the demo printed:\n%s", &s.text)
		}
	})
	return s
}

// line waits for a line that the pattern fits, and returns what its groups say.
func (s *stage) line(pattern string) []string {
	s.t.Helper()
	want, timeout := regexp.MustCompile(pattern), time.After(45*time.Second)
	for {
		select {
		case l, ok := <-s.lines:
			if !ok {
				s.t.Fatalf("the demo ended without %s", pattern)
			}
			s.text.WriteString(l + "\n")
			if found := want.FindStringSubmatch(l); found != nil {
				return found
			}
		case <-timeout:
			s.t.Fatalf("the demo does not print %s", pattern)
		}
	}
}

// table waits for a table and returns its rows by role; that of the leader is
// under "leader".
func (s *stage) table() (rows []cast, leader cast) {
	s.t.Helper()
	s.line(`^NODE +ROLE +PROCESS +REDIS +CLASSIC +HTTP$`)
	for range 3 {
		f := s.line(`^(node-\d) +(\S+) +(\d+) +(\S+) +(\S+) +(\S+)$`)
		pid, _ := strconv.Atoi(f[3])
		rows = append(rows, cast{f[1], f[2], pid, f[4], f[5], f[6]})
		if f[2] == "leader" {
			leader = rows[len(rows)-1]
		}
	}
	if leader.pid == 0 {
		s.t.Fatalf("no leader in %+v", rows)
	}
	return rows, leader
}

// stop sends an interrupt and checks that nothing is left behind.
func (s *stage) stop(rows []cast) {
	s.t.Helper()
	began := time.Now()
	s.cmd.Process.Signal(os.Interrupt)
	for l := range s.lines {
		s.text.WriteString(l + "\n")
	}
	err := s.cmd.Wait()
	s.ended = true
	if took := time.Since(began); err != nil || took > 15*time.Second {
		s.t.Errorf("the demo ended after %v: %v", took, err)
	}
	for _, r := range rows {
		if syscall.Kill(r.pid, 0) == nil {
			s.t.Errorf("%s still runs as process %d", r.name, r.pid)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(s.tmp, "*")); len(left) > 0 {
		s.t.Errorf("left behind: %q", left)
	}
}

// TestDemo kills the leader of a demo and watches another take over.
func TestDemo(t *testing.T) {
	s := startDemo(t)
	rows, leader := s.table()
	hints := []string{
		s.line(`redis-cli -p (\d+) set greeting hello`)[1], s.line(`redis-cli -c -p (\d+) get greeting`)[1],
		s.line(`python3 docs/classic_client.py --port (\d+)`)[1], s.line(`curl (\S+)`)[1], s.line(`kill -9 (\d+)`)[1],
	}
	if hints[4] != strconv.Itoa(leader.pid) || !strings.HasSuffix(leader.redis, ":"+hints[0]) ||
		!strings.HasSuffix(leader.classic, ":"+hints[2]) {
		t.Errorf("the leader is %+v, what to try is %q", leader, hints)
	}
	set(t, leader.redis) // which waits until the leader is ready
	if reply, err := http.Get(hints[3]); err != nil || reply.StatusCode != http.StatusOK {
		t.Errorf("%s: %v %v", hints[3], reply, err)
	}
	if err := syscall.Kill(leader.pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	killed := time.Now()
	s.line(leader.name + ` \(process ` + strconv.Itoa(leader.pid) + `\) has ended: signal: killed`)
	after, next := s.table()
	t.Logf("shown %v after the kill", time.Since(killed))
	if next.name == leader.name {
		t.Errorf("%s still leads", next.name)
	}
	for i, r := range after {
		if gone := r.role == "gone"; gone != (r.name == leader.name) || r.pid != rows[i].pid {
			t.Errorf("got %+v", r)
		}
	}
	set(t, next.redis)
	s.stop(rows)
}

func set(t *testing.T, addr string) {
	t.Helper()
	c := (&target{}).client(addr, nil)
	defer c.Close()
	if err := c.Set(t.Context(), "greeting", "hello", 0).Err(); err != nil {
		t.Errorf("SET at %s: %v", addr, err)
	}
}

// TestDemoPorts takes the first ports: the demo uses the next, and keeps its
// data where it is told to.
func TestDemoPorts(t *testing.T) {
	for _, addr := range []string{"127.0.0.1:6379", "127.0.0.1:6381", "127.0.0.1:31337", "127.0.0.1:7379", "127.0.0.1:7946", "127.0.0.1:8379"} {
		if l, err := net.Listen("tcp", addr); err == nil { // else another has it, as good for us
			defer l.Close()
		}
	}
	data := filepath.Join(t.TempDir(), "kept", "here")
	s := startDemo(t, "--data", data, "--on-follower", "forward")
	rows, _ := s.table()
	seen := map[string]bool{"127.0.0.1:6379": true, "127.0.0.1:6381": true, "127.0.0.1:31337": true, "127.0.0.1:8379": true}
	for _, r := range rows {
		for addr, base := range map[string]int{r.redis: 6379, r.classic: 31337, r.http: 8379} {
			_, text, _ := net.SplitHostPort(addr)
			port, _ := strconv.Atoi(text)
			if seen[addr] || port <= base || port > base+50 {
				t.Errorf("%s has %s", r.name, addr)
			}
			seen[addr] = true
		}
		set(t, r.redis) // a follower forwards
	}
	s.stop(rows)
	if left, _ := os.ReadDir(data); len(left) == 0 {
		t.Error("the data directory is gone")
	}
}
