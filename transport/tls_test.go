package transport

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trivetdb/trivet/test/certs"
)

func load(t *testing.T, dir string) *Certificates {
	t.Helper()
	c, err := LoadCertificates(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"), filepath.Join(dir, "ca.crt"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func issued(t *testing.T, a *certs.Authority) *Certificates {
	dir := t.TempDir()
	a.Issue(t, dir, "a")
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
		ours, theirs := certs.New(t), certs.New(t)
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
		conn, err := good.DialRaft(within(t, 5*time.Second), at, "")
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
	ours, theirs := certs.New(t), certs.New(t)
	mixed := func(issuer, trusted *certs.Authority) *Certificates {
		dir := t.TempDir()
		issuer.Issue(t, dir, "a")
		certs.Put(t, dir, "ca.crt", trusted.PEM)
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
			if err := shake(t, test.server, test.client); (err == nil) != test.fine {
				t.Fatal(err)
			}
		})
	}
}

func TestReloadUnderLoad(t *testing.T) {
	checkLeaks(t)
	first, second := certs.New(t), certs.New(t)
	dirs := [2]string{t.TempDir(), t.TempDir()}
	var held [2]*Certificates
	for i, dir := range dirs {
		first.Issue(t, dir, "a")
		held[i] = load(t, dir)
	}
	s := listen(t, TCP{}, "127.0.0.1:0", Options{TLS: held[0]})
	c := listen(t, TCP{}, "127.0.0.1:0", Options{TLS: held[1]})
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
		m, err := Listen(TCP{}, "127.0.0.1:0", Options{TLS: held[1]})
		if err != nil {
			return err
		}
		defer m.Close()
		_, err = m.Link(at).Call(within(t, 10*time.Second), []byte("x"))
		return err
	}
	step := func(name string, change func()) {
		change()
		for _, c := range held {
			c.expire()
		}
		if err := redial(); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	both := first.PEM
	both = append(append([]byte(nil), both...), second.PEM...)
	step("trust both", func() { certs.Put(t, dirs[0], "ca.crt", both); certs.Put(t, dirs[1], "ca.crt", both) })
	step("server moves", func() { second.Issue(t, dirs[0], "a"); certs.Put(t, dirs[0], "ca.crt", both) })
	step("client moves", func() { second.Issue(t, dirs[1], "a") })
	step("server trusts the new only", func() { certs.Put(t, dirs[0], "ca.crt", second.PEM) })
	step("broken file", func() { certs.Put(t, dirs[0], "tls.key", []byte("half a fi")) })
	if held[0].Err() == nil {
		t.Fatal("a broken file went unreported")
	}
	step("missing file", func() { os.Remove(filepath.Join(dirs[0], "tls.key")) })
	step("repaired", func() { second.Issue(t, dirs[0], "a") })
	if err := held[0].Err(); err != nil {
		t.Fatal(err)
	}
	// The old authority is out: a certificate of it gets nowhere.
	old := listen(t, TCP{}, "127.0.0.1:0", Options{TLS: issued(t, first)})
	_, err := old.Link(at).Call(within(t, 5*time.Second), nil)
	wantErr(t, err, ErrNotSent)
}

func TestLoadCertificatesReports(t *testing.T) {
	dir := t.TempDir()
	a := certs.New(t)
	a.Issue(t, dir, "a")
	certs.Put(t, dir, "ca.crt", []byte("nothing"))
	for _, c := range []struct {
		files [3]string
		want  []string
	}{
		{[3]string{"none.crt", "tls.key", "ca.crt"}, []string{"none.crt", "ca.crt: no certificate in it"}},
		{[3]string{"tls.crt", "tls.crt", "ca.crt"}, []string{"with key", "ca.crt: no certificate in it"}},
		{[3]string{"tls.crt", "none.key", "none.crt"}, []string{"none.key", "none.crt"}},
	} {
		_, err := LoadCertificates(filepath.Join(dir, c.files[0]), filepath.Join(dir, c.files[1]), filepath.Join(dir, c.files[2]))
		if err == nil {
			t.Errorf("took %v", c.files)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v: no %q in: %v", c.files, want, err)
			}
		}
	}
}

// TestPodNames dials nodes by the names that Kubernetes gives to pods.
func TestPodNames(t *testing.T) {
	a := certs.New(t)
	dir := t.TempDir()
	for _, c := range []struct {
		of, name string
		fine     bool
	}{
		{"*.trivet-peers.jobs.svc.cluster.local", "trivet-0.trivet-peers.jobs.svc.cluster.local", true},
		{"*.trivet-peers.jobs.svc.cluster.local", "trivet-0.trivet-peers.jobs.svc.cluster.local.", true},
		{"trivet-2.trivet-peers", "trivet-2.trivet-peers", true},
		{"trivet-2.trivet-peers", "trivet-1.trivet-peers", false},
		{"*.trivet-peers.jobs.svc.cluster.local", "trivet-0.trivet-peers.other.svc.cluster.local", false},
		{"*.trivet-peers.jobs.svc.cluster.local", "trivet-peers.jobs.svc.cluster.local", false},
	} {
		a.Issue(t, dir, c.of)
		served := load(t, dir)
		a.Issue(t, dir, "another")
		if err := shake(t, served.ServerConfig(), load(t, dir).ClientConfig(c.name)); (err == nil) != c.fine {
			t.Errorf("%s, with a certificate for %s: %v", c.name, c.of, err)
		}
	}
}

// shake connects a client with a server, and returns what either has against it.
func shake(t *testing.T, server, client *tls.Config) error {
	t.Helper()
	near, far := pair(t, NewMemory())
	served := make(chan error, 1)
	go func() {
		session := tls.Server(far, server)
		_, err := session.Write([]byte("x"))
		served <- err
		session.Close()
	}()
	session := tls.Client(near, client)
	_, err := io.ReadFull(session, make([]byte, 1))
	near.Close()
	return errors.Join(err, <-served)
}

// TestServerCertificates are for listeners whose clients are no nodes.
func TestServerCertificates(t *testing.T) {
	ours, theirs := certs.New(t), certs.New(t)
	dir, foreign := t.TempDir(), t.TempDir()
	ours.Issue(t, dir, "a")
	theirs.Issue(t, foreign, "a")
	file := func(name string) string { return filepath.Join(dir, name) }
	client := func(show string, newest uint16) *tls.Config {
		conf := ours.Client(t, show)
		conf.ServerName, conf.MaxVersion = "a", newest
		return conf
	}
	for _, c := range []struct {
		name   string
		auth   tls.ClientAuthType
		ca     string
		client *tls.Config
		fine   bool
	}{
		{"no certificate asked for", tls.NoClientCert, "", client("", 0), true},
		{"TLS 1.2", tls.NoClientCert, "", client("", tls.VersionTLS12), true},
		{"TLS 1.1", tls.NoClientCert, "", client("", tls.VersionTLS11), false},
		{"must show one and does", tls.RequireAndVerifyClientCert, file("ca.crt"), client(dir, 0), true},
		{"must show one", tls.RequireAndVerifyClientCert, file("ca.crt"), client("", 0), false},
		{"must show one of ours", tls.RequireAndVerifyClientCert, file("ca.crt"), client(foreign, 0), false},
		{"may show one and does not", tls.VerifyClientCertIfGiven, file("ca.crt"), client("", 0), true},
		{"may show one of ours", tls.VerifyClientCertIfGiven, file("ca.crt"), client(foreign, 0), false},
	} {
		held, err := LoadServerCertificates(file("tls.crt"), file("tls.key"), c.ca, c.auth)
		if err != nil {
			t.Fatal(err)
		}
		if left := time.Until(held.Leaf().NotAfter); left < 50*time.Minute || left > time.Hour {
			t.Errorf("it is valid for %v", left)
		}
		if err := shake(t, held.ServerConfig(), c.client); (err == nil) != c.fine {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}
