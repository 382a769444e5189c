package node

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"github.com/trivetdb/trivet/transport"
)

// The values of Config.PeerAuth.
const (
	// AuthRequired has both sides of every connection between nodes prove that they
	// know a secret. Only on loopback a node may do without a secret.
	AuthRequired = "required"
	// AuthMixed proves it to those that can tell, and takes all others too: for the
	// time in which a cluster is being given its first secret, node by node.
	AuthMixed = "mixed"
	// AuthOff has no secret: who reaches the peer port is taken for a node.
	AuthOff = "off"
)

// NewSecret draws a secret for the nodes of a cluster.
func NewSecret() string { return string(transport.NewSecret()) }

// openSecrets reads the secrets, and reports where there are none though there
// must be, or the other way round.
func (f *files) openSecrets(c *Config) (err error) {
	given := c.PeerSecret != "" || c.PeerSecretFile != ""
	switch {
	case c.PeerAuth != AuthRequired && c.PeerAuth != AuthMixed && c.PeerAuth != AuthOff:
		return fmt.Errorf("%q: use required, mixed or off", c.PeerAuth)
	case c.PeerAuth == AuthOff && given:
		return errors.New("off, and a secret is given: leave one of them out")
	case c.PeerAuth == AuthMixed && !given:
		return errors.New("mixed needs peer-secret-file or peer-secret")
	case c.PeerSecret != "" && c.PeerSecretFile != "":
		return errors.New("give peer-secret or peer-secret-file, not both")
	case c.PeerAuth == AuthRequired && !given:
		open := ""
		for _, a := range []string{c.Gossip, c.Peer} {
			if !loopback(a) {
				open = a
			}
		}
		if open != "" {
			return fmt.Errorf("other machines can reach %s, and there is no secret that peers must know; "+
				"make one with: trivet secret > FILE; give the same to all nodes with --peer-secret-file FILE (or TRIVET_PEER_SECRET); "+
				"or let in whoever comes, with --peer-auth off", open)
		}
	case given:
		if f.said, err = readSecrets(c); err != nil {
			return err
		}
		f.secrets = transport.NewSecrets(f.said)
		f.gossip = gossipKeys(f.said)
	}
	return nil
}

func readSecrets(c *Config) ([]transport.Secret, error) {
	text, name := []byte(c.PeerSecret), "peer-secret"
	if c.PeerSecretFile != "" {
		var err error
		if text, err = os.ReadFile(c.PeerSecretFile); err != nil {
			return nil, err
		}
		name = c.PeerSecretFile
	}
	secrets, err := transport.ParseSecrets(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return secrets, nil
}

// gossipKeys makes a key of gossip of each secret.
func gossipKeys(secrets []transport.Secret) (keys [][]byte) {
	for _, s := range secrets {
		keys = append(keys, s.Key("gossip"))
	}
	return keys
}

// loopback reports whether only this machine reaches what listens on an address.
func loopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// watchSecrets uses the secrets of the file as it changes.
func (n *Node) watchSecrets() {
	last := n.files.said
	n.watch("peer-secret", func() error {
		secrets, err := readSecrets(&n.cfg)
		if err != nil || slices.Equal(secrets, last) {
			return err
		}
		n.files.secrets.Set(secrets)
		if n.cfg.GossipKeyFile == "" {
			if err := n.gossip.SetKeys(gossipKeys(secrets)); err != nil {
				return err
			}
		}
		last = secrets
		n.cfg.Log.Info("peers have new secrets", "secrets", len(secrets))
		return nil
	})
}

// remindEvery is how often the log says that strangers can get in.
const remindEvery = time.Hour

// remind says in the log that peers need not prove anything, as long as it is so.
func (n *Node) remind() {
	say := func() {
		if n.cfg.PeerAuth == AuthMixed {
			n.cfg.Log.Warn("peers that prove no secret are let in; when all nodes have the secret, start them again with --peer-auth required")
		} else {
			n.cfg.Log.Warn("whoever reaches the peer port can read, write and remove members: --peer-auth is off", "peer", n.cfg.Peer)
		}
	}
	if n.cfg.PeerAuth != AuthRequired {
		say()
		n.every(remindEvery, say)
	}
}

// whereabouts are the addresses that other nodes mean this one by: what it says of
// itself, and what the cluster's configuration says, which may be older.
type whereabouts struct {
	mu      sync.Mutex
	own     string
	servers func() []raft.Server // nil until there is a configuration
}

func (w *whereabouts) say(own string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.own = own
}

func (w *whereabouts) learn(servers func() []raft.Server) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.servers = servers
}

// are reports whether addr means the node with the ID.
func (w *whereabouts) are(id raft.ServerID, addr string) bool {
	w.mu.Lock()
	own, servers := w.own, w.servers
	w.mu.Unlock()
	if own != "" && own == addr {
		return true
	}
	return servers != nil && slices.ContainsFunc(servers(), func(s raft.Server) bool {
		return s.ID == id && string(s.Address) == addr
	})
}
