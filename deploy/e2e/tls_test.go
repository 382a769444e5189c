package main

import (
	"crypto/tls"
	"crypto/x509"
	"testing"
)

// TestIssue makes certificates that their authority's pool accepts.
func TestIssue(t *testing.T) {
	a, err := newAuthority("test")
	if err != nil {
		t.Fatal(err)
	}
	secret, err := a.issue(7, "a.example", "*.b.example")
	if err != nil {
		t.Fatal(err)
	}
	checkPair(t, secret, "x.b.example")
}

// checkPair checks that a Secret's certificate fits its key, authority and host.
func checkPair(t *testing.T, secret map[string][]byte, host string) {
	t.Helper()
	pair, err := tls.X509KeyPair(secret["tls.crt"], secret["tls.key"])
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(secret["ca.crt"]) {
		t.Fatal("no authority")
	}
	for _, usage := range []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth} {
		if _, err := pair.Leaf.Verify(x509.VerifyOptions{DNSName: host, Roots: roots, KeyUsages: []x509.ExtKeyUsage{usage}}); err != nil {
			t.Error(err)
		}
	}
}
