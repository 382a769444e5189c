package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/test/cluster"
)

// TestPasswordIsHidden looks for a node's password wherever it might be shown.
func TestPasswordIsHidden(t *testing.T) {
	const secret = "do-not-show-me"
	c := cluster.New(t, "--password", secret, "--pprof", "127.0.0.1:0")
	n := c.Add("--bootstrap-expect", "1", "--password="+secret)
	n.Start()
	client := (&target{password: secret}).client(n.Redis, nil)
	defer client.Close()
	c.Until("a leader", startTime, func(ctx context.Context) bool { return client.Set(ctx, "k", "v", 0).Err() == nil })
	if runtime.GOOS == "linux" {
		line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", n.PID()))
		if err != nil || bytes.Contains(line, []byte(secret)) || bytes.Count(line, []byte(strings.Repeat("*", len(secret)))) != 2 {
			t.Errorf("the list of processes shows %q, %v", bytes.ReplaceAll(line, []byte{0}, []byte{' '}), err)
		}
	}
	for what, text := range map[string]string{
		"INFO":       client.Info(t.Context(), "everything").Val(),
		"CONFIG GET": fmt.Sprint(client.ConfigGet(t.Context(), "*").Val()),
		"ACL LIST":   fmt.Sprint(client.ACLList(t.Context()).Val()),
	} {
		if text == "" || strings.Contains(text, secret) {
			t.Errorf("%s shows it, or nothing: %s", what, text)
		}
	}
	for _, path := range []string{"/debug/pprof/cmdline", "/debug/vars", "/debug/pprof/"} {
		r, err := http.Get("http://" + n.HTTP + path)
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		if r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, r.Status)
		}
	}
	r, err := http.Get("http://" + n.HTTP + "/status")
	if err != nil || r.StatusCode != http.StatusUnauthorized {
		t.Errorf("/status without a user: %v %v", r, err)
	}
	for _, args := range [][]string{{"serve", "--pasword=" + secret}, {"serve", "-password=" + secret}, {"status", "-password=" + secret}} {
		if _, errs, status := cluster.Run(t, args...); status != 2 || strings.Contains(errs, secret) {
			t.Errorf("%s: %d, %s", args[1], status, errs)
		}
	}
}
