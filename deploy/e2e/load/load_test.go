package load

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// startNode starts a real node of one, and returns its address and a function
// that stops and starts it again.
func startNode(t *testing.T) (addr string, restart func()) {
	dir := t.TempDir()
	program := filepath.Join(dir, "trivet")
	build := exec.Command("go", "build", "-o", program, "./cmd/trivet")
	build.Dir = "../../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	addr = freeAddr(t)
	args := []string{"serve", "--name", "a", "--data", filepath.Join(dir, "data"), "--bootstrap-expect", "1", "--redis", addr}
	for _, l := range []string{"classic", "peer", "gossip", "http"} {
		args = append(args, "--"+l, freeAddr(t))
	}
	var cmd *exec.Cmd
	start := func() {
		cmd = exec.Command(program, args...)
		cmd.Stderr = os.Stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
	}
	stop := func() {
		cmd.Process.Signal(syscall.SIGKILL)
		cmd.Wait()
	}
	start()
	t.Cleanup(func() { stop() })
	return addr, func() { stop(); start() }
}

func freeAddr(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// tell sends a request to a Load and decodes the report.
func tell(t *testing.T, url string, body any) (r Report) {
	t.Helper()
	b, _ := json.Marshal(body)
	answer, err := http.Post(url, "application/json", bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := bufio.NewReader(answer.Body).ReadString(0)
		t.Fatalf("%s: %s", answer.Status, text)
	}
	if err := json.NewDecoder(answer.Body).Decode(&r); err != nil {
		t.Fatal(err)
	}
	return r
}

// TestLoad writes to a real node, kills it, and then makes a loss and a double
// by hand, which the check must find.
func TestLoad(t *testing.T) {
	addr, restart := startNode(t)
	conn := redis.NewClient(&redis.Options{Addr: addr})
	defer conn.Close()
	ctx := context.Background()
	for conn.Set(ctx, "up", 1, 0).Err() != nil {
		time.Sleep(50 * time.Millisecond)
	}
	l := new(Load)
	web := httptest.NewServer(l.Handler())
	defer web.Close()
	tell(t, web.URL+"/configure", Config{Targets: map[string]string{"trivet": addr, "leader": addr}, Clients: 1})

	tell(t, web.URL+"/next?name=quiet", nil)
	time.Sleep(500 * time.Millisecond)
	quiet := tell(t, web.URL+"/next?name=kill", nil)
	if quiet.Name != "quiet" || quiet.Acked < 20 || quiet.Unknown != 0 || quiet.Lost+quiet.Doubled != 0 {
		t.Errorf("quiet: %+v", quiet)
	}
	for _, at := range quiet.Targets {
		if at.Plain+at.Default != 0 {
			t.Errorf("quiet: %+v", at)
		}
	}
	restart()
	time.Sleep(200 * time.Millisecond) // each client writes meanwhile, and nobody leads yet
	killed := tell(t, web.URL+"/next", nil)
	if killed.Lost+killed.Doubled != 0 || killed.Targets["trivet"].Plain == 0 || killed.Targets["trivet"].Pause < 50*time.Millisecond {
		t.Errorf("killed: %+v", killed)
	}
	if all := tell(t, web.URL+"/check", nil); all.Lost+all.Doubled != 0 || all.Acked != quiet.Acked+killed.Acked {
		t.Errorf("all: %+v, of %d and %d", all, quiet.Acked, killed.Acked)
	}

	lists := conn.Keys(ctx, "e2e:1:*").Val()
	for _, key := range lists {
		switch conn.Type(ctx, key).Val() {
		case "list":
			conn.LPop(ctx, key)
			conn.RPush(ctx, key, "1")
		case "string":
			conn.Incr(ctx, key)
		case "set":
			conn.SRem(ctx, key, "3")
		}
	}
	// Two lists lost 0 and have 1 twice, two counters are one too high, two sets
	// lost 3.
	if all := tell(t, web.URL+"/check", nil); all.Lost != 4 || all.Doubled != 4 || len(all.Faults) != 4 {
		t.Errorf("after damage: %+v of %s", all, strings.Join(lists, " "))
	}
}

// TestConfigure refuses what clients could not work with.
func TestConfigure(t *testing.T) {
	for _, c := range []Config{
		{}, {Targets: map[string]string{"trivet": "a:1"}},
		{Targets: map[string]string{"trivet": "a:1"}, Clients: 1, CA: "no certificate"},
	} {
		if new(Load).Configure(c) == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}
