package node

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/hashicorp/raft-wal/types"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/node/store"
	"github.com/trivetdb/trivet/transport"
)

// Config is all that a node can be told. The zero value of a field means its
// default.
type Config struct {
	Name            string   // of the node, unique in the cluster; default: the host's name
	DataDir         string   // where all is stored; default: data
	Redis           string   // host:port to listen on for Redis clients; default: 127.0.0.1:6379
	Classic         string   // host:port to listen on for the article's clients; default: 127.0.0.1:31337
	Peer            string   // host:port to listen on for other nodes; default: 127.0.0.1:7379
	Gossip          string   // host:port to listen on for gossip, UDP and TCP; default: 127.0.0.1:7946
	HTTP            string   // host:port to listen on for probes and metrics; default: 127.0.0.1:8379
	HTTPHosts       []string // names that HTTP requests may call this node by, besides its own; see web.KnownHost
	Profiles        string   // host:port to listen on for profiles; without a host, that of this machine alone; default: none
	Advertise       string   // host by which clients and other nodes reach this one; default: the host of each listener
	Announce        string   // host:port that clients are told to reach the Redis port at; default: the advertised host, the listener's port
	Join            []string // gossip addresses, host:port; a DNS name means all its addresses
	BootstrapExpect int      // start a cluster once so many fresh nodes see one another; 0 for never
	OnFollower      string   // what a follower does with writes: redirect (default) or forward
	Reads           string   // consistency of reads: local (default) or linearizable
	MaxClients      int      // connections of clients at most, where CONFIG SET does not say otherwise; default: 10000
	MaxMemory       string   // bytes of data at most, as 512mb, where CONFIG SET does not say otherwise; the leader's counts; default: 0, no limit
	SkipEntries     []uint64 // indexes of log entries that all nodes leave out, since they end every process that applies them; default: none
	MaxClientMemory string   // bytes that clients may make the node hold together, where CONFIG SET does not say otherwise; 0 for no limit; default: an eighth of the memory, 192 MB at least
	QueueMetrics    []string // keys whose lengths are shown as metrics: KEY, or DB/KEY; default: none
	LogStore        string   // how the log is kept: store.WAL (default) or store.Bolt
	ProtectedMode   string   // yes (default): clients from other machines are refused as long as the default user needs no password; or no
	Password        string   // of the default user, until an ACL SETUSER speaks of its passwords; default: none is asked for

	TLS            Certificate // that Redis and classic clients are shown, who must speak TLS then; default: they speak plainly
	TLSAuthClients string      // whether these must show one too, of the authority TLS.CA: no (default), optional or yes
	PeerTLS        Certificate // for both sides of the links between nodes, which need all three files; default: no TLS
	PeerSecret     string      // what all nodes of the cluster know and prove to each other; default: none
	PeerSecretFile string      // file of such secrets, see transport.ParseSecrets; it is read again when it changes; default: none
	PeerAuth       string      // whether peers must prove that they know it: required (default), mixed or off; see secrets.go
	GossipKeyFile  string      // file of keys that encrypt gossip, see gossip.ParseKeys; default: keys made from the secrets
	UsersFile      string      // file of users, see server.ParseUsers; the same for all nodes; default: none

	// Recover, as NAME:TOKEN, makes the node of that name the only voter of the
	// cluster, once for each token: for when most voters are lost for good. It may
	// lack what only those knew. Default: nothing is recovered.
	Recover string

	Version string            // of the program
	Log     *slog.Logger      // default: nothing is logged
	Network transport.Network // default: TCP
	Files   types.VFS         // of the log; default: the operating system's
	Labels  Labeler           // told by the leader who leads; default: nobody is

	// HeartbeatTimeout is how long a follower waits for its leader before it
	// stands for election. A new leader writes after about twice this time.
	// Default: 300 ms.
	HeartbeatTimeout time.Duration
	// SnapshotBytes is how many bytes of log entries make a snapshot due.
	// Default: 64 MiB.
	SnapshotBytes int64
	// DeadAfter is how long a member may be out of reach before it is removed,
	// where the rest is a quorum of BootstrapExpect or more. Default: 5 min.
	DeadAfter time.Duration
}

// A Certificate names files, all PEM: a certificate with those between it and its
// authority, its key, and the certificates of the authorities that others are
// checked against. The files are read again when they change. The zero value
// means no certificate.
type Certificate struct{ Cert, Key, CA string }

// The values of OnFollower and Reads.
const (
	Redirect     = "redirect"
	Forward      = "forward"
	Local        = "local"
	Linearizable = "linearizable"
)

func (c *Config) setDefaults() {
	host, _ := os.Hostname()
	c.Name = cmp.Or(c.Name, host)
	c.DataDir = cmp.Or(c.DataDir, "data")
	c.Redis = cmp.Or(c.Redis, "127.0.0.1:6379")
	c.Classic = cmp.Or(c.Classic, "127.0.0.1:31337")
	c.Peer = cmp.Or(c.Peer, "127.0.0.1:7379")
	c.Gossip = cmp.Or(c.Gossip, "127.0.0.1:7946")
	c.HTTP = cmp.Or(c.HTTP, "127.0.0.1:8379")
	c.OnFollower = cmp.Or(c.OnFollower, Redirect)
	c.Reads = cmp.Or(c.Reads, Local)
	c.MaxClients = cmp.Or(c.MaxClients, 10000)
	c.MaxMemory = cmp.Or(c.MaxMemory, "0")
	c.ProtectedMode = cmp.Or(c.ProtectedMode, "yes")
	if c.Profiles != "" && !strings.Contains(c.Profiles, ":") {
		c.Profiles = ":" + c.Profiles
	}
	if strings.HasPrefix(c.Profiles, ":") {
		c.Profiles = "127.0.0.1" + c.Profiles
	}
	c.LogStore = cmp.Or(c.LogStore, store.WAL)
	c.TLSAuthClients = cmp.Or(c.TLSAuthClients, "no")
	c.PeerAuth = cmp.Or(c.PeerAuth, AuthRequired)
	c.Version = cmp.Or(c.Version, "dev")
	c.HeartbeatTimeout = cmp.Or(c.HeartbeatTimeout, 300*time.Millisecond)
	c.SnapshotBytes = cmp.Or(c.SnapshotBytes, 64<<20)
	c.DeadAfter = cmp.Or(c.DeadAfter, 5*time.Minute)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Network == nil {
		c.Network = transport.TCP{}
	}
}

var namePattern = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$`)

// Validate reports every fault of the configuration, defaults applied, and of the
// files that it names.
func (c Config) Validate() error {
	c.setDefaults()
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if !namePattern.MatchString(c.Name) {
		fault("name %q: use up to 63 letters, digits, dots, dashes and underscores, a letter or digit first and last", c.Name)
	}
	for _, a := range []struct{ field, value string }{
		{"redis", c.Redis}, {"classic", c.Classic}, {"peer", c.Peer}, {"gossip", c.Gossip}, {"http", c.HTTP}, {"pprof", c.Profiles},
	} {
		if err := checkAddress(a.value); err != nil && (a.value != "" || a.field != "pprof") {
			fault("%s %q: %w", a.field, a.value, err)
		}
	}
	for _, a := range c.Join {
		if err := checkAddress(a); err != nil {
			fault("join %q: %w", a, err)
		}
	}
	if c.BootstrapExpect < 0 || c.BootstrapExpect > 9 {
		fault("bootstrap-expect %d: use 0 to 9", c.BootstrapExpect)
	}
	if c.OnFollower != Redirect && c.OnFollower != Forward {
		fault("on-follower %q: use redirect or forward", c.OnFollower)
	}
	if c.Reads != Local && c.Reads != Linearizable {
		fault("reads %q: use local or linearizable", c.Reads)
	}
	if c.LogStore != store.WAL && c.LogStore != store.Bolt {
		fault("log-store %q: use wal or bolt", c.LogStore)
	}
	if c.MaxClients < 1 {
		fault("max-clients %d: use 1 or more", c.MaxClients)
	}
	if _, ok := fsm.ParseBytes(c.MaxMemory); !ok {
		fault("max-memory %q: use a number of bytes such as 1000000, 512mb or 4gb", c.MaxMemory)
	}
	if _, ok := fsm.ParseBytes(c.MaxClientMemory); !ok && c.MaxClientMemory != "" {
		fault("max-client-memory %q: use a number of bytes such as 1000000, 512mb or 4gb", c.MaxClientMemory)
	}
	if c.ProtectedMode != "yes" && c.ProtectedMode != "no" {
		fault("protected-mode %q: use yes or no", c.ProtectedMode)
	}
	for _, q := range c.QueueMetrics {
		if _, err := parseQueueKey(q); err != nil {
			faults = append(faults, err)
		}
	}
	if _, _, err := net.SplitHostPort(c.Advertise); err == nil {
		fault("advertise %q: a host without a port; the ports are those of the listeners", c.Advertise)
	}
	if host, _, err := net.SplitHostPort(c.Announce); c.Announce != "" && (err != nil || host == "" || checkAddress(c.Announce) != nil) {
		fault("announce %q: use host:port, where clients reach the redis port", c.Announce)
	}
	if _, ok := recoverName(c.Recover); c.Recover != "" && !ok {
		fault("recover %q: use NAME:TOKEN, the name of the one node that is to go on, and a word that was not used before", c.Recover)
	}
	if c.BootstrapExpect == 0 && len(c.Join) == 0 {
		fault("neither join nor bootstrap-expect is given: the node could never become a member; use bootstrap-expect 1 for a cluster of one")
	}
	_, err := openFiles(&c)
	return errors.Join(append(faults, err)...)
}

func checkAddress(a string) error {
	_, port, err := net.SplitHostPort(a)
	if err != nil {
		return errors.New("use host:port")
	}
	if _, err := net.LookupPort("tcp", port); err != nil {
		return fmt.Errorf("no such port: %s", port)
	}
	return nil
}

// advertised returns the address by which others reach a listener: the host
// of the configuration, or the listener's own.
func (c *Config) advertised(listen string, actual net.Addr) string {
	_, port, err := net.SplitHostPort(actual.String())
	if err != nil {
		return actual.String()
	}
	host, _, _ := net.SplitHostPort(listen)
	if c.Advertise != "" {
		host = c.Advertise
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host, _ = os.Hostname()
	}
	return net.JoinHostPort(host, port)
}
