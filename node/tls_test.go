package node

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trivetdb/trivet/test/certs"
	"github.com/trivetdb/trivet/transport"
)

func certificate(dir string) Certificate {
	return Certificate{
		Cert: filepath.Join(dir, "tls.crt"), Key: filepath.Join(dir, "tls.key"), CA: filepath.Join(dir, "ca.crt"),
	}
}

// metric returns a line of /metrics without its value, which it returns too.
func (m *member) metric(name string) string {
	m.c.t.Helper()
	r, err := http.Get("http://" + m.conf.HTTP + "/metrics")
	if err != nil {
		m.c.t.Fatal(err)
	}
	defer r.Body.Close()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		m.c.t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			return strings.TrimSpace(value)
		}
	}
	return "none"
}

// TestTLSEverywhere runs a cluster that speaks TLS with clients, who have to show
// certificates, and among its nodes. All certificates and the authorities change
// while clients write, on connections that stay and on new ones.
func TestTLSEverywhere(t *testing.T) {
	t.Parallel()
	clients, peers := certs.New(t), certs.New(t)
	served, shown, links := t.TempDir(), t.TempDir(), map[string]string{}
	clients.Issue(t, served)
	clients.Issue(t, shown)
	c := startCluster(t, 3, func(conf *Config) {
		dir := t.TempDir()
		links[conf.Name] = dir
		peers.Issue(t, dir, conf.Name)
		conf.TLS, conf.TLSAuthClients, conf.PeerTLS = certificate(served), "yes", certificate(dir)
	})
	connect := func(m *member, of *certs.Authority, dir string) *redis.Client {
		return redis.NewClient(&redis.Options{
			Addr: m.conf.Redis, MaxRetries: -1, DialerRetries: 1, PoolSize: 1, DialTimeout: 5 * time.Second,
			ReadTimeout: 20 * time.Second, ContextTimeoutEnabled: true, TLSConfig: of.Client(t, dir),
		})
	}
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	defer writers.Wait()
	defer stop()
	for i, m := range c.members {
		conn := connect(m, clients, shown)
		writers.Go(func() {
			defer conn.Close()
			for n := int64(1); ctx.Err() == nil; n++ {
				if got, err := conn.Incr(ctx, fmt.Sprint("n", i)).Result(); ctx.Err() == nil && (err != nil || got != n) {
					t.Errorf("%s: INCR %d is %d, %v", m.host, n, got, err)
					return
				}
			}
		})
	}
	fresh := func(m *member, of *certs.Authority, dir string) error {
		conn := connect(m, of, dir)
		defer conn.Close()
		return conn.Ping(ctx).Err()
	}
	all := func(what string, of *certs.Authority, dir string) {
		t.Helper()
		for _, m := range c.members {
			until(t, what+" at "+m.host, func() bool { return fresh(m, of, dir) == nil })
		}
	}
	all("a client is let in", clients, shown)
	if fresh(c.members[0], clients, "") == nil {
		t.Error("a client without a certificate was let in")
	}
	expires := fmt.Sprintf(`trivet_tls_certificate_expiry_timestamp_seconds{certificate="%s"}`, "client")
	before := c.members[0].metric(expires)

	// Another authority: its clients are let in, those of the first are not.
	time.Sleep(1100 * time.Millisecond) // a certificate's times are whole seconds
	next := certs.New(t)
	next.Issue(t, served)
	newcomer := t.TempDir()
	next.Issue(t, newcomer)
	all("a client of the new authority is let in", next, newcomer)
	if fresh(c.members[0], next, shown) == nil {
		t.Error("a client of the old authority was let in")
	}
	until(t, "the metric shows the new certificate", func() bool { return c.members[0].metric(expires) > before })

	// Half a file: what was there before counts.
	certs.Put(t, served, "tls.key", []byte("half a k"))
	until(t, "it is reported", func() bool { return c.members[1].metric(`trivet_file_faulty{file="tls"}`) == "1" })
	all("a client is let in for all that", next, newcomer)
	next.Issue(t, served)
	until(t, "all is well", func() bool { return c.members[1].metric(`trivet_file_faulty{file="tls"}`) == "0" })
	c.rotatePeers(peers, certs.New(t), links)
}

// rotatePeers gives all nodes certificates of another authority, as an operator
// would: first all trust both, then they get the certificates one after the
// other, then nobody trusts the first.
func (c *cluster) rotatePeers(first, second *certs.Authority, dirs map[string]string) {
	c.t.Helper()
	both := append(append([]byte{}, first.PEM...), second.PEM...)
	for _, m := range c.members {
		certs.Put(c.t, dirs[m.host], "ca.crt", both)
	}
	time.Sleep(2 * lookEvery)
	for _, m := range c.members {
		second.Issue(c.t, dirs[m.host], m.host)
		certs.Put(c.t, dirs[m.host], "ca.crt", both)
	}
	time.Sleep(2 * lookEvery)
	for _, m := range c.members {
		certs.Put(c.t, dirs[m.host], "ca.crt", second.PEM)
	}
	time.Sleep(2 * lookEvery)
	// All connections are made anew by the end of this.
	link := func(of *certs.Authority) error {
		dir := c.t.TempDir()
		of.Issue(c.t, dir, "x")
		held, err := transport.LoadCertificates(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"), filepath.Join(dir, "ca.crt"))
		if err != nil {
			c.t.Fatal(err)
		}
		mux, err := transport.Listen(c.net.Host("x"), "x:1", transport.Options{
			TLS: held, Secrets: transport.NewSecrets([]transport.Secret{testSecret}),
		})
		if err != nil {
			c.t.Fatal(err)
		}
		defer mux.Close()
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_, err = mux.Link(c.members[0].addresses.peer).Call(ctx, []byte{callHello})
		return err
	}
	if err := link(second); err != nil {
		c.t.Errorf("a link with the new authority's certificate: %v", err)
	}
	if err := link(first); err == nil {
		c.t.Error("the old authority's certificate still makes a link")
	}
}

// TestPeerTLSRestart has a node that comes back with a certificate for another
// host: nobody talks to it until it has its own.
func TestPeerTLSRestart(t *testing.T) {
	t.Parallel()
	authority, links := certs.New(t), map[string]string{}
	c := startCluster(t, 3, func(conf *Config) {
		links[conf.Name] = t.TempDir()
		authority.Issue(t, links[conf.Name], "*.trivet-peers", conf.Name)
		conf.PeerTLS = certificate(links[conf.Name])
	})
	m := c.others(c.settled())[0]
	m.kill()
	authority.Issue(t, links[m.host], "another")
	m.start()
	never(t, "a node under a false name was reached", 2*time.Second, func() bool {
		now, _ := m.leaders.get()
		return now != leader{}
	})
	authority.Issue(t, links[m.host], m.host)
	c.settled()
}
