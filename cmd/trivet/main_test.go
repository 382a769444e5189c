package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/test/cluster"
)

func TestMain(m *testing.M) {
	os.Exit(cluster.Main(m, func(testing.TB) {}))
}

// call runs the program within the test.
func call(t *testing.T, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	err := run(t.Context(), args, &out)
	return out.String(), err
}

// mustCall fails the test unless the program succeeds.
func mustCall(t *testing.T, args ...string) string {
	t.Helper()
	out, err := call(t, args...)
	if err != nil {
		t.Fatalf("trivet %s: %v", strings.Join(args, " "), err)
	}
	return out
}

// contains fails the test unless text holds all of the parts.
func contains(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, p := range parts {
		if !strings.Contains(text, p) {
			t.Errorf("no %q in:\n%s", p, text)
		}
	}
}

// TestUsage makes mistakes in how the program is called.
func TestUsage(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"frobnicate", `unknown command "frobnicate"`},
		{"--nope", "unknown flag: --nope"},
		{"serve --nope", "unknown flag: --nope"},
		{"serve extra", `unknown command "extra"`},
		{"serve --max-clients many", `"many"`},
		{"serve --log-level loud --bootstrap-expect 1", `log-level "loud"`},
		{"serve --bootstrap-expect 1 --queue-metrics 16/jobs", `queue-metrics "16/jobs"`},
		{"demo --on-follower maybe", `on-follower "maybe"`},
		{"members frobnicate", `unknown command "frobnicate"`},
		{"members remove", "accepts 1 arg(s), received 0"},
		{"members promote a b", "accepts 1 arg(s), received 2"},
		{"transfer-leader a b", "accepts at most 1 arg(s), received 2"},
		{"status --json=5", "invalid argument"},
	} {
		_, err := call(t, strings.Fields(c.args)...)
		var usage usageError
		if !errors.As(err, &usage) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("trivet %s: got %v, want a usage error with %s", c.args, err, c.want)
		}
	}
	if _, errs, status := cluster.Run(t, "frobnicate"); status != 2 || !strings.HasPrefix(errs, "trivet: unknown command") {
		t.Errorf("exit status %d, %s", status, errs)
	}
}

func TestHelp(t *testing.T) {
	contains(t, mustCall(t), "serve", "demo", "status", "members", "transfer-leader", "version")
	contains(t, mustCall(t, "members"), "list", "remove", "promote")
	for _, name := range []string{"serve", "demo"} {
		help := mustCall(t, name, "--help")
		_, flags, _ := strings.Cut(help, "Flags:\n")
		shown := 0
		for line := range strings.Lines(flags) {
			if !strings.Contains(line, "--help") {
				shown++
				contains(t, line, "(default")
			}
		}
		if shown == 0 {
			t.Errorf("no flags in:\n%s", help)
		}
	}
	help := mustCall(t, "serve", "--help")
	for _, flag := range strings.Fields("name data redis classic peer gossip http advertise join bootstrap-expect " +
		"on-follower reads max-clients password") {
		contains(t, help, " --"+flag+" ")
	}
}

// TestDocs fails where docs/commands.md is not what the command table says.
func TestDocs(t *testing.T) {
	got, err := os.ReadFile(filepath.Join("..", "..", "docs", "commands.md"))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != mustCall(t, "docs") {
		t.Error("docs/commands.md is out of date: go generate ./cmd/trivet")
	}
}

// TestNobody talks to nodes that are not there.
func TestNobody(t *testing.T) {
	_, err := call(t, "status", "--addr", "127.0.0.1:1,127.0.0.1:2")
	if err == nil {
		t.Fatal("no error")
	}
	contains(t, err.Error(), "no node answers; name one with --addr", "127.0.0.1:1: ", "127.0.0.1:2: ")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := run(ctx, []string{"transfer-leader"}, &bytes.Buffer{}); err == nil {
		t.Error("no error")
	}
}
