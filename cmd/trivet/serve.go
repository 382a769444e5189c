package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/trivetdb/trivet/node"
	"github.com/trivetdb/trivet/node/kubernetes"
	"github.com/trivetdb/trivet/node/store"
)

// maxStack bounds what a goroutine's stack takes, in bytes. Nothing that a node does
// comes near: past it is a fault, which must not take all memory first.
const maxStack = 256 << 20

// drainTime is how long a node that is told to stop finishes what its clients
// asked for.
const drainTime = 10 * time.Second

func serveCommand() *cobra.Command {
	cfg := node.Config{MaxClients: 10000}
	expect := &number{value: &cfg.BootstrapExpect, name: "bootstrap-expect"}
	maxClients := &number{value: &cfg.MaxClients, name: "max-clients"}
	var logLevel, logFormat string
	var skip []uint
	labels := false
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run a node",
		Long: `Run a node until it is told to stop with SIGTERM or Ctrl-C. It then hands the
leadership over, finishes what its clients asked for, and leaves the data where
it is. Each flag can also be given as a variable: TRIVET_ON_FOLLOWER for
--on-follower.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			faults := fromEnvironment(cmd.Flags())
			cfg.Version = readBuild().version
			for _, index := range skip {
				cfg.SkipEntries = append(cfg.SkipEntries, uint64(index))
			}
			log, err := newLogger(logLevel, logFormat)
			var labelFault error
			if labels {
				cfg.Labels, labelFault = kubernetes.InPod(kubernetes.Directory)
			}
			if err := errors.Join(faults, expect.fault, maxClients.fault, err, labelFault, cfg.Validate()); err != nil {
				return usageError{fmt.Errorf("the configuration has faults:\n  %s",
					strings.ReplaceAll(err.Error(), "\n", "\n  "))}
			}
			cfg.Log = log
			debug.SetMaxStack(maxStack)
			limitHeap(log)
			return serve(cmd.Context(), cfg)
		},
	}
	host, _ := os.Hostname()
	f := cmd.Flags()
	f.StringVar(&cfg.Name, "name", host, "name of the node, unique in the cluster")
	f.StringVar(&cfg.DataDir, "data", "data", "directory where all is stored")
	f.StringVar(&cfg.Redis, "redis", "127.0.0.1:6379", "address to listen on for Redis clients")
	f.StringVar(&cfg.Classic, "classic", "127.0.0.1:31337", "address to listen on for the article's clients")
	f.StringVar(&cfg.Peer, "peer", "127.0.0.1:7379", "address to listen on for other nodes")
	f.StringVar(&cfg.Gossip, "gossip", "127.0.0.1:7946", "address to listen on for gossip, by UDP and TCP")
	f.StringVar(&cfg.HTTP, "http", "127.0.0.1:8379", "address to listen on for /livez, /readyz, /metrics and /status")
	f.StringVar(&cfg.Advertise, "advertise", "", "host, best a DNS name that stays, by which clients and other nodes reach this one (default: the host that each listener is on)")
	f.StringVar(&cfg.Announce, "announce", "", "host:port that clients are told to reach the redis port at, by MOVED, CLUSTER, SENTINEL, ROLE and INFO, where that is another than what is advertised (default: none)")
	f.StringSliceVar(&cfg.Join, "join", nil, "gossip addresses of other nodes; a DNS name means all its addresses (default: none)")
	f.Var(expect, "bootstrap-expect", "start a cluster once this many fresh nodes see one another; 0: only join (default 0)")
	f.StringVar(&cfg.Recover, "recover", "", "NAME:TOKEN: when most voters are lost for good, make the node NAME the only one and go on with its data; once for each token, and other nodes ignore it (default: none)")
	f.StringVar(&cfg.OnFollower, "on-follower", node.Redirect, "what a follower does with a write: redirect answers MOVED, forward hands it to the leader")
	f.StringVar(&cfg.Reads, "reads", node.Local, "consistency of reads: local answers from this node's state, linearizable asks a majority first")
	f.Var(maxClients, "max-clients", "connections of clients; one more gets an error; CONFIG SET maxclients overrides it")
	f.StringVar(&cfg.MaxMemory, "max-memory", "0", "bytes that keys and values may take before commands that grow them are refused, such as 512mb; 0: no limit; the leader's counts, so give all nodes the same; CONFIG SET maxmemory overrides it")
	f.UintSliceVar(&skip, "skip-entry", nil, "index of a log entry to leave out, which has ended every process that applied it: only as a node says so that has stopped for it, and on ALL nodes (default: none)")
	f.StringVar(&cfg.MaxClientMemory, "max-client-memory", "", "bytes that clients may make this node hold together, such as replies that they do not read, before those that hold most are closed; 0: no limit; CONFIG SET maxmemory-clients overrides it (default: an eighth of the memory, 192mb at least)")
	f.StringSliceVar(&cfg.QueueMetrics, "queue-metrics", nil, "keys whose lengths are shown as the metric trivet_queue_length: KEY, or DB/KEY for another database than 0 (default: none)")
	f.StringVar(&cfg.LogStore, "log-store", store.WAL, "how the log is kept: wal in segments, bolt in a B+ tree; a log that is kept the other way is moved at the start")
	securityFlags(f, &cfg)
	f.BoolVar(&labels, "kubernetes-labels", false, "as leader, label the members' pods, which have the nodes' names, trivet.dev/role=leader or follower, by the pod's service account (default false)")
	f.StringVar(&logLevel, "log-level", "info", "debug, info, warn or error")
	f.StringVar(&logFormat, "log-format", "text", "text or json")
	return cmd
}

// securityFlags are those about who may come in, and how.
func securityFlags(f *pflag.FlagSet, cfg *node.Config) {
	f.StringVar(&cfg.Password, "password", "", "password that clients must give (default: none)")
	f.StringVar(&cfg.ProtectedMode, "protected-mode", "yes", "yes refuses clients from other machines as long as the default user needs no password, no lets them in; CONFIG SET protected-mode overrides it")
	f.StringSliceVar(&cfg.HTTPHosts, "http-hosts", nil, "names that HTTP requests may call this node by, besides IP addresses, localhost, its own names and those of Kubernetes' Services; .example.org means all within (default: none)")
	f.StringVar(&cfg.Profiles, "pprof", "", "address to listen on for /debug/pprof, for everybody who reaches it; a port alone: on this machine only (default: none, no profiles)")
	f.StringVar(&cfg.UsersFile, "users-file", "", "file of users, a line each as ACL LIST shows them: user joe on >secret ~* +@read; the same for all nodes, and read again when it changes (default: none)")
	f.StringVar(&cfg.TLS.Cert, "tls-cert-file", "", "certificate for clients, who must then speak TLS; it is read again when it changes (default: none, no TLS)")
	f.StringVar(&cfg.TLS.Key, "tls-key-file", "", "key of that certificate (default: none)")
	f.StringVar(&cfg.TLS.CA, "tls-ca-cert-file", "", "authority that clients' certificates are checked against (default: none)")
	f.StringVar(&cfg.TLSAuthClients, "tls-auth-clients", "no", "whether clients must show a certificate: no, optional (one that is shown must be sound) or yes")
	f.StringVar(&cfg.PeerTLS.Cert, "peer-tls-cert-file", "", "certificate for links between nodes, valid for the host that this one advertises, for servers and for clients (default: none, no TLS)")
	f.StringVar(&cfg.PeerTLS.Key, "peer-tls-key-file", "", "key of that certificate (default: none)")
	f.StringVar(&cfg.PeerTLS.CA, "peer-tls-ca-cert-file", "", "authority of all nodes' certificates and of no others: who has one is taken for a node (default: none)")
	f.StringVar(&cfg.PeerSecretFile, "peer-secret-file", "", "file of a secret that all nodes of the cluster have and prove to each other, best one that trivet secret printed; of several, one a line, the first is proved and all are accepted; it is read again when it changes (default: none)")
	f.StringVar(&cfg.PeerSecret, "peer-secret", "", "that secret itself; TRIVET_PEER_SECRET keeps it out of the list of processes (default: none)")
	f.StringVar(&cfg.PeerAuth, "peer-auth", node.AuthRequired, "whether nodes must prove that they know the secret: required; mixed takes those too that do not, while a cluster gets its first secret; off has none, and whoever reaches the peer port can do all")
	f.StringVar(&cfg.GossipKeyFile, "gossip-key-file", "", "file of keys that encrypt gossip: 16, 24 or 32 bytes in base64, one a line; the first encrypts, all are understood (default: keys made from the peer secrets)")
}

func newLogger(level, format string) (*slog.Logger, error) {
	var l slog.Level
	err := l.UnmarshalText([]byte(level))
	if err != nil {
		err = fmt.Errorf("log-level %q: use debug, info, warn or error", level)
	}
	opts := &slog.HandlerOptions{Level: l}
	switch format {
	case "text":
		return slog.New(slog.NewTextHandler(os.Stderr, opts)), err
	case "json":
		return slog.New(slog.NewJSONHandler(os.Stderr, opts)), err
	}
	return nil, errors.Join(err, fmt.Errorf("log-format %q: use text or json", format))
}

// serve runs a node until ctx ends or the node cannot go on. While the node is
// being opened, which takes as long as it takes to check the log and load the data,
// the end of ctx is the end of the process, as a crash would be.
func serve(ctx context.Context, cfg node.Config) error {
	type opened struct {
		n   *node.Node
		err error
	}
	opening := make(chan opened, 1)
	go func() {
		n, err := node.Open(cfg)
		opening <- opened{n, err}
	}()
	var n *node.Node
	select {
	case <-ctx.Done():
		cfg.Log.Info("stopping before the node was open")
		return nil
	case o := <-opening:
		if o.err != nil {
			return o.err
		}
		n = o.n
	}
	go newQuiet().run(ctx)
	select {
	case <-ctx.Done():
		cfg.Log.Info("stopping")
	case <-n.Asked():
		cfg.Log.Info("stopping, as a client asked")
	case err := <-n.Fatal():
		// Nothing may be served or voted from what cannot be trusted.
		n.Kill()
		return fmt.Errorf("the node cannot go on: %w", err)
	}
	drain, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	return n.Close(drain)
}
