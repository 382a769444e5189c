package node

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/test/certs"
	"github.com/trivetdb/trivet/transport"
)

const foreignSecret = "what strangers may know instead"

// guest is somebody who reaches the nodes' peer ports, but is no node.
func (c *cluster) guest(opts transport.Options, secrets ...transport.Secret) *transport.Mux {
	c.t.Helper()
	if len(secrets) > 0 {
		opts.Secrets = transport.NewSecrets(secrets)
	}
	mux, err := transport.Listen(c.net.Host("guest"), "guest:0", opts)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { mux.Close() })
	return mux
}

// calls are what a guest may ask of a node. Each does something or tells something.
func (c *cluster) calls() map[string][]byte {
	c.t.Helper()
	call := func(kind byte, q any) []byte {
		body, err := json.Marshal(q)
		if err != nil {
			c.t.Fatal(err)
		}
		return append([]byte{kind}, body...)
	}
	batch := func(args ...string) []byte {
		b := fsm.Batch{Origin: fsm.Origin{ID: 99, Life: 1}, Seq: 1, Body: command(args...).Append(nil, 0)}
		return b.Append([]byte{callBatch})
	}
	return map[string][]byte{
		"read":       batch("GET", "k"),
		"write":      batch("SET", "k", "theirs"),
		"index":      {callReadIndex},
		"who":        {callHello},
		"remove":     call(callAdmin, adminRequest{"remove", c.members[1].conf.Name}),
		"join":       call(callJoin, joinRequest{ID: "evil_1", Peer: "guest:1"}),
		"promise":    call(callPromise, promiseRequest{Cluster: "theirs", Coordinator: "evil_1"}),
		"is removed": call(callRemoved, c.members[0].id),
		"garbage":    {callBatch, 0xff},
	}
}

// TestStrangersAtPeerPort has those who do not know the secret ask each node for
// all that nodes ask each other for, by calls and as raft. With TLS they even have a
// certificate. Nothing is done, and nothing is told.
func TestStrangersAtPeerPort(t *testing.T) {
	t.Parallel()
	for _, secured := range []bool{false, true} {
		t.Run(fmt.Sprint("TLS ", secured), func(t *testing.T) {
			t.Parallel()
			authority, opts := certs.New(t), transport.Options{}
			held := func(host string) Certificate {
				dir := t.TempDir()
				authority.Issue(t, dir, host)
				return certificate(dir)
			}
			c := startCluster(t, 3, func(conf *Config) {
				if secured {
					conf.PeerTLS = held(conf.Name)
				}
			})
			c.settled().must("SET", "k", "ours")
			if secured {
				var err error
				mine := held("guest")
				if opts.TLS, err = transport.LoadCertificates(mine.Cert, mine.Key, mine.CA); err != nil {
					t.Fatal(err)
				}
			}
			for name, stranger := range map[string]*transport.Mux{
				"no secret": c.guest(opts), "another secret": c.guest(opts, foreignSecret),
			} {
				for _, m := range c.members {
					for what, call := range c.calls() {
						if reply, err := stranger.Link(m.addresses.peer).Call(t.Context(), call); !errors.Is(err, transport.ErrNotSent) {
							t.Errorf("%s, %s at %s: %q, %v", name, what, m.host, reply, err)
						}
					}
					if conn, err := stranger.DialRaft(t.Context(), m.addresses.peer, ""); err == nil {
						conn.Close()
						t.Errorf("%s reached raft at %s", name, m.host)
					}
				}
			}
			m := c.settled()
			if got := m.must("GET", "k"); got != "ours" || len(m.servers()) != 3 || c.members[1].removed.Load() {
				t.Errorf("k is %v, members are %v", got, m.servers())
			}
			if m.metric("trivet_peer_refused_total") == "0" || m.metric("trivet_peer_auth_mixed") != "0" {
				t.Error("the metrics do not tell")
			}
			friend := c.guest(opts, testSecret)
			for what, call := range c.calls() {
				if _, err := friend.Link(m.addresses.peer).Call(t.Context(), call); what == "write" && err != nil || errors.Is(err, transport.ErrNotSent) {
					t.Errorf("who knows the secret cannot %s: %v", what, err)
				}
			}
		})
	}
}

// TestSecretChanged changes the secret of a cluster in three steps, each in the one
// file that all nodes have. Later only who has the new one gets in, by gossip too.
func TestSecretChanged(t *testing.T) {
	t.Parallel()
	const young = "what all nodes know from now on"
	dir := t.TempDir()
	put := func(name string, lines ...string) string {
		certs.Put(t, dir, name, []byte(strings.Join(lines, "\n")))
		return filepath.Join(dir, name)
	}
	file := put("secrets", testSecret)
	from := func(file string) func(*Config) {
		return func(conf *Config) { conf.PeerSecret, conf.PeerSecretFile = "", file }
	}
	c := startCluster(t, 3, from(file))
	faulty := func() string { return c.members[0].metric(`trivet_file_faulty{file="peer-secret"}`) }
	for _, lines := range [][]string{{testSecret, young}, {young, testSecret}, {"short"}, {young}} {
		put("secrets", lines...)
		if lines[0] == "short" {
			until(t, "it is reported", func() bool { return faulty() == "1" })
		}
		time.Sleep(2 * lookEvery)
		for _, m := range c.members {
			m.must("INCR", "n")
		}
	}
	until(t, "all is well", func() bool { return faulty() == "0" })
	if conn, err := c.guest(transport.Options{}, testSecret).DialRaft(t.Context(), "a:1", ""); err == nil {
		conn.Close()
		t.Error("the old secret still opens the peer port")
	}
	stranger := c.add(from(put("old", testSecret)))
	stranger.start()
	friend := c.add(from(file))
	friend.start()
	until(t, "the one with the new secret joins", func() bool { return friend.joined.Load() })
	if stranger.joined.Load() || len(stranger.gossip.Peers()) > 0 || len(c.members[0].servers()) != 4 {
		t.Errorf("who has the old secret joined: %v", c.members[0].servers())
	}
}

// TestFirstSecret gives a cluster its first secret, node by node, in two rounds. It
// serves all the time. Only after the second are strangers kept out.
func TestFirstSecret(t *testing.T) {
	t.Parallel()
	var said lockedBuffer
	c := startCluster(t, 3, func(conf *Config) {
		conf.PeerSecret, conf.PeerAuth = "", AuthOff
		if conf.Name == "a" {
			conf.Log = slog.New(slog.NewTextHandler(&said, nil))
		}
	})
	n := int64(0)
	for _, auth := range []string{AuthMixed, AuthRequired} {
		for _, m := range c.members {
			m.stop()
			m.conf.PeerSecret, m.conf.PeerAuth = testSecret, auth
			m.start()
			c.settled()
			for _, m := range c.members {
				n++
				if got := m.must("INCR", "n"); got != n {
					t.Fatalf("%s: n is %v, not %d", m.host, got, n)
				}
			}
		}
		_, err := c.guest(transport.Options{}).Link("a:1").Call(t.Context(), []byte{callHello})
		if (err == nil) != (auth == AuthMixed) {
			t.Errorf("peer-auth %s: a stranger's call: %v", auth, err)
		}
		mixed, unproved := c.members[0].metric("trivet_peer_auth_mixed"), c.members[0].metric("trivet_peer_unproved_total")
		if (mixed == "1") != (auth == AuthMixed) || (unproved != "0") != (auth == AuthMixed) {
			t.Errorf("peer-auth %s: the metrics are %s and %s", auth, mixed, unproved)
		}
	}
	for _, want := range []string{"--peer-auth is off", "start them again with --peer-auth required", "proves no secret"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("the log does not say %q", want)
		}
	}
	friend := c.add(func(conf *Config) { conf.BootstrapExpect = 3 })
	friend.start()
	until(t, "a new node finds the others by gossip", func() bool { return friend.joined.Load() })
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestLuredNode has a fresh node find the members of another cluster, which know
// the key of its gossip but not its secret. It does not join them, and does not give
// them a promise; its own cluster gets it.
func TestLuredNode(t *testing.T) {
	t.Parallel()
	keys := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(keys, []byte("MDEyMzQ1Njc4OWFiY2RlZg==\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := newCluster(t, 0, nil)
	evil := c.add(func(conf *Config) {
		conf.BootstrapExpect, conf.PeerSecret, conf.GossipKeyFile = 1, foreignSecret, keys
	})
	evil.start()
	c.leaderOf(evil)
	var said lockedBuffer
	fresh := c.add(func(conf *Config) {
		conf.BootstrapExpect, conf.GossipKeyFile = 2, keys
		conf.Log = slog.New(slog.NewTextHandler(&said, nil))
	})
	fresh.start()
	until(t, "the fresh node asks to be let in", func() bool { return strings.Contains(said.String(), "cannot join yet") })
	never(t, "the fresh node was led into another cluster", 2*time.Second, func() bool {
		return fresh.dir.Identity().Cluster != "" || len(fresh.servers()) > 0 || len(evil.servers()) != 1
	})
	if !strings.Contains(said.String(), errNotTakenText) {
		t.Errorf("the log does not say why: %s", &said)
	}
	evil.stop()
	own := c.add(func(conf *Config) {
		conf.BootstrapExpect, conf.GossipKeyFile, conf.Join = 2, keys, []string{fresh.conf.Gossip}
	})
	own.start()
	until(t, "the two make their cluster", func() bool { return own.joined.Load() && fresh.joined.Load() })
}

const errNotTakenText = "our proof of the peer secret was not taken"

// TestWhereabouts: a node is meant by its own address, and by the one that the
// cluster still has for it.
func TestWhereabouts(t *testing.T) {
	var w whereabouts
	if w.are("a", "") || w.are("a", "a:1") {
		t.Error("nothing is known yet")
	}
	w.say("a:1")
	w.learn(func() []raft.Server { return []raft.Server{{ID: "a", Address: "old:1"}, {ID: "b", Address: "b:1"}} })
	for addr, want := range map[string]bool{"a:1": true, "old:1": true, "b:1": false, "": false, "guest:1": false} {
		if w.are("a", addr) != want {
			t.Errorf("%q: %v", addr, !want)
		}
	}
}

// TestPeerAuth says which configurations are refused: what listens beyond loopback
// must have a secret, or say that it shall have none.
func TestPeerAuth(t *testing.T) {
	dir := t.TempDir()
	certs.Put(t, dir, "short", []byte("hunter2\n"))
	certs.Put(t, dir, "good", []byte(testSecret))
	file := func(name string) string { return filepath.Join(dir, name) }
	for _, c := range []struct {
		conf Config
		want string // empty where all is well
	}{
		{Config{}, ""},
		{Config{Peer: "localhost:7379", Gossip: "[::1]:7946"}, ""},
		{Config{Peer: ":7379"}, "trivet secret > FILE"},
		{Config{Peer: "0.0.0.0:7379"}, "--peer-auth off"},
		{Config{Peer: "a.example.org:7379"}, "other machines can reach a.example.org:7379"},
		{Config{Gossip: ":7946"}, "other machines can reach :7946"},
		{Config{Peer: ":7379", Gossip: ":7946", PeerAuth: AuthOff}, ""},
		{Config{Peer: ":7379", PeerSecret: testSecret}, ""},
		{Config{Peer: ":7379", PeerSecretFile: file("good")}, ""},
		{Config{Peer: ":7379", PeerSecretFile: file("good"), PeerAuth: AuthMixed}, ""},
		{Config{PeerSecretFile: file("short")}, "line 1 is a secret of 7 characters"},
		{Config{PeerSecretFile: file("none")}, "none: no such file"},
		{Config{PeerSecret: testSecret, PeerSecretFile: file("good")}, "not both"},
		{Config{PeerSecret: testSecret, PeerAuth: AuthOff}, "off, and a secret is given"},
		{Config{PeerAuth: AuthMixed}, "mixed needs peer-secret-file"},
		{Config{PeerAuth: "maybe"}, "use required, mixed or off"},
	} {
		c.conf.Name, c.conf.BootstrapExpect = "a", 1
		err := c.conf.Validate()
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hunter")) {
			t.Errorf("%+v: %v; want %q", c.conf, err, c.want)
		}
	}
}
