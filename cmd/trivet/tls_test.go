package main

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trivetdb/trivet/test/certs"
	"github.com/trivetdb/trivet/test/cluster"
)

// TestSecured talks to a node that asks for TLS, a certificate, a user and a
// password, by flags and by variables.
func TestSecured(t *testing.T) {
	authority, dir := certs.New(t), t.TempDir()
	authority.Issue(t, dir, "localhost")
	crt, key, ca := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"), filepath.Join(dir, "ca.crt")
	n := cluster.New(t).Add("--bootstrap-expect", "1", "--password", "secret", "--tls-cert-file", crt,
		"--tls-key-file", key, "--tls-ca-cert-file", ca, "--tls-auth-clients", "yes",
		"--peer-tls-cert-file", crt, "--peer-tls-key-file", key, "--peer-tls-ca-cert-file", ca)
	n.Start()
	defer n.Kill()
	addr := strings.Replace(n.Redis, "127.0.0.1", "localhost", 1)
	all := []string{"--addr", addr, "--password", "secret", "--tls", "--cacert", ca, "--cert", crt, "--key", key}
	for end := time.Now().Add(2 * time.Minute); ; time.Sleep(100 * time.Millisecond) {
		out, err := call(t, append([]string{"status"}, all...)...)
		if err == nil && strings.Contains(out, " leader ") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("status: %v\n%s", err, out)
		}
	}
	mustCall(t, append([]string{"members", "list", "--user", "default"}, all...)...)
	mustCall(t, append([]string{"transfer-leader", n.Name}, all...)...)
	if _, err := call(t, append([]string{"status", "--user", "joe"}, all...)...); err == nil || !strings.Contains(err.Error(), "WRONGPASS") {
		t.Errorf("as joe: %v", err)
	}
	for _, c := range []struct {
		args  []string
		want  string
		usage bool
	}{
		{[]string{"--tls", "--cacert", ca}, "certificate required", false},
		{[]string{"--tls", "--cert", crt, "--key", key}, "certificate signed by unknown authority", false},
		{[]string{"--cacert", ca}, "of use with --tls only", true},
		{[]string{"--tls", "--cacert", key}, "no certificate in it", false},
		{[]string{"--tls", "--cacert", "nowhere"}, "nowhere", false},
		{[]string{"--tls", "--cert", crt}, "cert and key: ", false},
	} {
		_, err := call(t, append([]string{"status", "--addr", addr, "--password", "secret"}, c.args...)...)
		var usage usageError
		if err == nil || !strings.Contains(err.Error(), c.want) || errors.As(err, &usage) != c.usage {
			t.Errorf("%v: got %v, want %s", c.args, err, c.want)
		}
	}
	for name, value := range map[string]string{
		"ADDR": addr, "USER": "default", "PASSWORD": "secret", "TLS": "true", "CACERT": ca, "CERT": crt, "KEY": key,
	} {
		t.Setenv("TRIVET_"+name, value)
	}
	contains(t, mustCall(t, "status"), n.Name)
}

// TestTLSFaults starts nodes with files that cannot be used: all are named.
func TestTLSFaults(t *testing.T) {
	authority, dir := certs.New(t), t.TempDir()
	authority.Issue(t, dir)
	_, errs, status := cluster.Run(t, "serve", "--bootstrap-expect", "1", "--tls-cert-file", filepath.Join(dir, "none.crt"),
		"--tls-key-file", filepath.Join(dir, "tls.key"), "--tls-ca-cert-file", filepath.Join(dir, "tls.key"),
		"--peer-tls-cert-file", filepath.Join(dir, "tls.crt"), "--reads", "odd")
	if status != 2 {
		t.Errorf("exit status %d", status)
	}
	contains(t, errs, "none.crt", "no certificate in it", "give all of peer-tls-cert-file", `reads "odd"`)
}
