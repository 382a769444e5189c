package node

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trivetdb/trivet/node/gossip"
	"github.com/trivetdb/trivet/node/server"
	"github.com/trivetdb/trivet/transport"
)

// files are what a node reads from files that may change while it runs. What is
// nil was not asked for.
type files struct {
	clients *transport.Certificates
	peers   *transport.Certificates
	secrets *transport.Secrets
	said    []transport.Secret // the secrets at the start
	gossip  [][]byte           // the keys at the start
}

// clientAuth are the values of Config.TLSAuthClients.
var clientAuth = map[string]tls.ClientAuthType{
	"no": tls.NoClientCert, "optional": tls.VerifyClientCertIfGiven, "yes": tls.RequireAndVerifyClientCert,
}

// openFiles reads all files that the configuration names. The error lists all
// faults.
func openFiles(c *Config) (f files, err error) {
	var faults []error
	fault := func(flags string, err error) {
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", flags, err))
		}
	}
	auth, ok := clientAuth[c.TLSAuthClients]
	switch {
	case !ok:
		faults = append(faults, fmt.Errorf("tls-auth-clients %q: use no, optional or yes", c.TLSAuthClients))
	case c.TLS == (Certificate{}) && auth == tls.NoClientCert:
	case c.TLS.Cert == "" || c.TLS.Key == "":
		fault("tls", errors.New("give both tls-cert-file and tls-key-file"))
	case c.TLS.CA == "" && auth != tls.NoClientCert:
		fault("tls", errors.New("tls-auth-clients needs tls-ca-cert-file, the authority of the clients' certificates"))
	default:
		f.clients, err = transport.LoadServerCertificates(c.TLS.Cert, c.TLS.Key, c.TLS.CA, auth)
		fault("tls", err)
	}
	switch {
	case c.PeerTLS == (Certificate{}):
	case c.PeerTLS.Cert == "" || c.PeerTLS.Key == "" || c.PeerTLS.CA == "":
		fault("peer-tls", errors.New("give all of peer-tls-cert-file, peer-tls-key-file and peer-tls-ca-cert-file"))
	default:
		f.peers, err = transport.LoadCertificates(c.PeerTLS.Cert, c.PeerTLS.Key, c.PeerTLS.CA)
		fault("peer-tls", err)
	}
	fault("peer-auth", f.openSecrets(c))
	if c.GossipKeyFile != "" {
		f.gossip, err = readKeys(c.GossipKeyFile)
		fault("gossip-key-file", err)
	}
	if c.UsersFile != "" {
		text, err := os.ReadFile(c.UsersFile)
		if err == nil {
			_, err = server.ParseUsers(string(text))
		}
		fault("users-file", err)
	}
	return f, errors.Join(faults...)
}

func readKeys(file string) ([][]byte, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	keys, err := gossip.ParseKeys(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return keys, nil
}

// lookEvery is how often files are looked at. They are compared by content: what
// Kubernetes mounts is swapped by a symbolic link.
const lookEvery = time.Second

// watchFiles keeps the node true to its files.
func (n *Node) watchFiles() {
	if n.files.clients != nil {
		n.watchCertificate("client", "tls", n.files.clients)
	}
	if n.files.peers != nil {
		n.watchCertificate("peer", "peer-tls", n.files.peers)
	}
	if n.cfg.PeerSecretFile != "" {
		n.watchSecrets()
	}
	if n.cfg.GossipKeyFile != "" {
		n.watchKeys()
	}
	if n.cfg.UsersFile != "" {
		n.watchUsers()
	}
}

// watchKeys gives gossip the keys of its file as it changes.
func (n *Node) watchKeys() {
	same := func(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }
	last := n.files.gossip
	n.watch("gossip-key", func() error {
		keys, err := readKeys(n.cfg.GossipKeyFile)
		if err != nil || same(keys, last) {
			return err
		}
		if err := n.gossip.SetKeys(keys); err != nil {
			return err
		}
		last = keys
		n.cfg.Log.Info("gossip has new keys", "keys", len(keys))
		return nil
	})
}

// watchCertificate reads a certificate again where it has changed, for those who
// look at its metric; who connects has it read too.
func (n *Node) watchCertificate(label, file string, c *transport.Certificates) {
	n.metrics.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "trivet_tls_certificate_expiry_timestamp_seconds",
		Help:        "When the certificate in use will have expired, for clients and for other nodes.",
		ConstLabels: prometheus.Labels{"certificate": label},
	}, func() float64 { return float64(c.Leaf().NotAfter.Unix()) }))
	last := c.Leaf()
	n.watch(file, func() error {
		err := c.Err()
		if now := c.Leaf(); !now.Equal(last) {
			last = now
			n.cfg.Log.Info("a new certificate is in use", "certificate", label, "expires", now.NotAfter)
		}
		return err
	})
}

// watch calls look every lookEvery, and lets people know while what it looks at
// cannot be used. A fault must be there twice: while several files are being
// replaced, they may not fit together.
func (n *Node) watch(file string, look func() error) {
	faulty := n.metrics.faulty.WithLabelValues(file)
	before, logged := "", ""
	n.every(lookEvery, func() {
		text := ""
		if err := look(); err != nil {
			text = err.Error()
		}
		lasts := text == before
		before = text
		if !lasts || text == logged {
			return
		}
		logged = text
		if text == "" {
			faulty.Set(0)
			n.cfg.Log.Info("what was faulty is sound again", "file", file)
			return
		}
		faulty.Set(1)
		n.cfg.Log.Error("files cannot be used; what was read before stays in use", "file", file, "err", text)
	})
}
