package transport

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// An authority issues certificates for one test.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pem  []byte
}

var serial atomic.Int64

func template(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(serial.Add(1)),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
	}
}

func newAuthority(t *testing.T) *authority {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := template("authority")
	tmpl.IsCA, tmpl.BasicConstraintsValid, tmpl.KeyUsage = true, true, x509.KeyUsageCertSign
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return &authority{cert, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

// issue writes a certificate for 127.0.0.1 and host a, its key, and the
// authority's certificate into dir.
func (a *authority) issue(t *testing.T, dir string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := template("node")
	tmpl.DNSNames, tmpl.IPAddresses = []string{"a"}, []net.IP{net.IPv4(127, 0, 0, 1)}
	tmpl.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	put(t, dir, "tls.crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	put(t, dir, "tls.key", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: keyDER}))
	put(t, dir, "ca.crt", a.pem)
}

func put(t *testing.T, dir, name string, content []byte) {
	if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func load(t *testing.T, dir string) *Certificates {
	t.Helper()
	c, err := LoadCertificates(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"), filepath.Join(dir, "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func issued(t *testing.T, a *authority) *Certificates {
	dir := t.TempDir()
	a.issue(t, dir)
	return load(t, dir)
}

// expire makes the next look at the files happen now.
func (c *Certificates) expire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.checked = time.Time{}
}

func TestTLS(t *testing.T) {
	onFields(t, func(t *testing.T, server, client Network, addr, local string) {
		ours, theirs := newAuthority(t), newAuthority(t)
		s := listen(t, server, addr, Options{TLS: issued(t, ours)})
		s.Serve(echo)
		at := s.Addr().String()
		good := listen(t, client, local, Options{TLS: issued(t, ours)})
		if _, err := good.Link(at).Call(within(t, 5*time.Second), make([]byte, 1<<20)); err != nil {
			t.Fatal(err)
		}
		go func() {
			if conn, err := s.Raft().Accept(); err == nil {
				conn.Write([]byte("r"))
				conn.Close()
			}
		}()
		conn, err := good.DialRaft(within(t, 5*time.Second), at)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := conn.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		stranger := listen(t, client, local, Options{TLS: issued(t, theirs)})
		_, err = stranger.Link(at).Call(within(t, 5*time.Second), nil)
		wantErr(t, err, ErrNotSent)
		plain := listen(t, client, local, Options{})
		_, err = plain.Link(at).Call(within(t, 5*time.Second), nil)
		wantErr(t, err, ErrNotSent)
	})
}

// TestTLSEachSideChecks: it takes only one side that knows better.
func TestTLSEachSideChecks(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	mixed := func(issuer, trusted *authority) *Certificates {
		dir := t.TempDir()
		issuer.issue(t, dir)
		put(t, dir, "ca.crt", trusted.pem)
		return load(t, dir)
	}
	for _, test := range []struct {
		name           string
		server, client *tls.Config
		fine           bool
	}{
		{"sound", issued(t, ours).ServerConfig(), issued(t, ours).ClientConfig("a"), true},
		{"client unknown", issued(t, ours).ServerConfig(), mixed(theirs, ours).ClientConfig("a"), false},
		{"server unknown", mixed(theirs, ours).ServerConfig(), issued(t, ours).ClientConfig("a"), false},
		{"wrong host", issued(t, ours).ServerConfig(), issued(t, ours).ClientConfig("b"), false},
		{"no host", issued(t, ours).ServerConfig(), issued(t, ours).ClientConfig(""), false},
		{"no certificate", issued(t, ours).ServerConfig(), &tls.Config{InsecureSkipVerify: true}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			near, far := pair(t, NewMemory())
			served := make(chan error, 1)
			go func() {
				session := tls.Server(far, test.server)
				_, err := session.Write([]byte("x"))
				served <- err
				session.Close()
			}()
			session := tls.Client(near, test.client)
			_, err := session.Read(make([]byte, 1))
			near.Close()
			if serr := <-served; (err == nil && serr == nil) != test.fine {
				t.Fatalf("client %v, server %v", err, serr)
			}
		})
	}
}

func TestReloadUnderLoad(t *testing.T) {
	checkLeaks(t)
	first, second := newAuthority(t), newAuthority(t)
	dirs := [2]string{t.TempDir(), t.TempDir()}
	var certs [2]*Certificates
	for i, dir := range dirs {
		first.issue(t, dir)
		certs[i] = load(t, dir)
	}
	s := listen(t, TCP{}, "127.0.0.1:0", Options{TLS: certs[0]})
	c := listen(t, TCP{}, "127.0.0.1:0", Options{TLS: certs[1]})
	s.Serve(echo)
	at := s.Addr().String()

	// Calls go on over the connection that is there, and new ones are made.
	ctx, stop := context.WithCancel(context.Background())
	var load sync.WaitGroup
	defer load.Wait()
	defer stop()
	for range 4 {
		load.Go(func() {
			for ctx.Err() == nil {
				if _, err := c.Link(at).Call(context.Background(), []byte("x")); err != nil {
					t.Errorf("call during reload: %v", err)
					return
				}
				time.Sleep(time.Millisecond)
			}
		})
	}
	redial := func() error {
		// An address of its own makes a link of its own.
		m, err := Listen(TCP{}, "127.0.0.1:0", Options{TLS: certs[1]})
		if err != nil {
			return err
		}
		defer m.Close()
		_, err = m.Link(at).Call(within(t, 10*time.Second), []byte("x"))
		return err
	}
	step := func(name string, change func()) {
		change()
		for _, c := range certs {
			c.expire()
		}
		if err := redial(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	both := first.pem
	both = append(append([]byte(nil), both...), second.pem...)
	step("trust both", func() { put(t, dirs[0], "ca.crt", both); put(t, dirs[1], "ca.crt", both) })
	step("server moves", func() { second.issue(t, dirs[0]); put(t, dirs[0], "ca.crt", both) })
	step("client moves", func() { second.issue(t, dirs[1]) })
	step("server trusts the new only", func() { put(t, dirs[0], "ca.crt", second.pem) })
	step("broken file", func() { put(t, dirs[0], "tls.key", []byte("half a fi")) })
	if certs[0].Err() == nil {
		t.Fatal("a broken file went unreported")
	}
	step("missing file", func() { os.Remove(filepath.Join(dirs[0], "tls.key")) })
	step("repaired", func() { second.issue(t, dirs[0]) })
	if err := certs[0].Err(); err != nil {
		t.Fatal(err)
	}
	// The old authority is out: a certificate of it gets nowhere.
	old := listen(t, TCP{}, "127.0.0.1:0", Options{TLS: issued(t, first)})
	_, err := old.Link(at).Call(within(t, 5*time.Second), nil)
	wantErr(t, err, ErrNotSent)
}

func TestLoadCertificatesReports(t *testing.T) {
	dir := t.TempDir()
	a := newAuthority(t)
	a.issue(t, dir)
	put(t, dir, "ca.crt", []byte("nothing"))
	for _, files := range [][3]string{
		{"none.crt", "tls.key", "ca.crt"},
		{"tls.crt", "tls.crt", "ca.crt"},
		{"tls.crt", "tls.key", "ca.crt"},
	} {
		_, err := LoadCertificates(filepath.Join(dir, files[0]), filepath.Join(dir, files[1]), filepath.Join(dir, files[2]))
		if err == nil {
			t.Errorf("took %v", files)
		}
	}
}
