package node

import (
	"context"
	"fmt"
	"net"
	"os"
	"slices"
	"time"

	"github.com/trivetdb/trivet/node/server"
	"github.com/trivetdb/trivet/node/web"
)

// openWeb answers probes, from before the log is checked and the snapshot loaded,
// which may take long: a node that does that is alive.
func (n *Node) openWeb(l net.Listener) {
	n.web = web.New(web.Options{
		Ready: n.conditions, Gatherer: n.metrics.registry, Log: n.cfg.Log, Hosts: n.hosts(), Look: n.look,
		Status: func(ctx context.Context) any {
			if !n.opened.Load() {
				return server.ClusterStatus{Node: server.Status{Member: server.Member{Name: n.cfg.Name, Version: n.cfg.Version}}}
			}
			return server.ClusterStatus{Node: n.Status(), Members: n.Members(ctx)}
		},
	})
	served := make(chan struct{})
	go func() {
		defer close(served)
		n.report("http", n.web.Serve(l))
	}()
	n.onClose(func() {
		n.closeWeb()
		<-served
	})
}

// openProfiles answers for profiles, on a listener of their own.
func (n *Node) openProfiles(l net.Listener) {
	profiles := web.NewProfiles(web.Options{Log: n.cfg.Log, Hosts: n.hosts()})
	served := make(chan struct{})
	go func() {
		defer close(served)
		n.report("pprof", profiles.Serve(l))
	}()
	n.onClose(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // nobody waits for a profile
		profiles.Shutdown(ctx)
		<-served
	})
}

// hosts are the names by which this node may be asked.
func (n *Node) hosts() []string {
	own, _ := os.Hostname()
	announced, _, _ := net.SplitHostPort(n.cfg.Announce)
	hosts := slices.Concat(n.cfg.HTTPHosts, []string{own, n.cfg.Name, n.cfg.Advertise, announced})
	return slices.DeleteFunc(hosts, func(host string) bool { return host == "" })
}

// look reports whether somebody may see the node's status. Before the node is open,
// that tells its name only.
func (n *Node) look(from net.Addr, user, password string, given bool) web.Access {
	if !n.opened.Load() {
		return web.Granted
	}
	switch n.front.Look(from, user, password, given) {
	case server.Seen:
		return web.Granted
	case server.Unknown:
		return web.Unknown
	}
	return web.Forbidden
}

// closeWeb ends the answers to probes. It may be called twice: a node that is
// open ends them before it takes apart what they ask for.
func (n *Node) closeWeb() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	n.web.Shutdown(ctx)
}

const (
	maxLag    = 1000            // entries that a ready node may be behind
	maxLagAge = 3 * time.Second // after which the lag is not known
)

// conditions are what /readyz asks for.
func (n *Node) conditions() []web.Condition {
	if !n.opened.Load() {
		return []web.Condition{{Name: "running", Detail: "the node is starting: it checks its log and loads its data"}}
	}
	to, _ := n.leaders.get()
	entries, age := n.lag.get()
	detail := fmt.Sprintf("%d entries behind, limit %d", entries, maxLag)
	if age > maxLagAge {
		detail = "the leader has not said how far it is"
	}
	conditions := []web.Condition{
		{Name: "running", OK: !n.stopping.Load(), Detail: "the node is stopping"},
		{Name: "member", OK: n.inConfiguration(), Detail: "the node is in no cluster"},
		{Name: "leader", OK: to != leader{}, Detail: "no leader is known"},
		{Name: "replayed", OK: age <= maxLagAge && entries <= maxLag, Detail: detail},
	}
	if n.cfg.UsersFile != "" {
		conditions = append(conditions, web.Condition{
			Name: "users", OK: n.peopled.Load(), Detail: "the users of the file were not applied yet",
		})
	}
	return conditions
}
