package peer

import (
	"context"
	"fmt"
	"strings"

	"github.com/trivetdb/trivet/test/bench/load"
)

func etcd(ctx context.Context, m Machine, s *Server) error {
	const nodes = 3
	free, err := freeAddresses(2 * nodes)
	if err != nil {
		return err
	}
	clients, peers := free[:nodes], free[nodes:]
	var cluster []string
	for i, addr := range peers {
		cluster = append(cluster, fmt.Sprintf("e%d=http://%s", i+1, addr))
	}
	for i := range nodes {
		client, peer := "http://"+clients[i], "http://"+peers[i]
		if _, err := s.add(fmt.Sprintf("e%d", i+1), "etcd", func(p *Process) []string {
			return []string{"--name", p.Name, "--data-dir", p.Dir, "--listen-client-urls", client, "--advertise-client-urls", client,
				"--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", strings.Join(cluster, ","),
				"--quota-backend-bytes", fmt.Sprint(8 << 30), "--log-level", "error"}
		}); err != nil {
			return err
		}
	}
	return s.until(ctx, func(ctx context.Context) (err error) {
		s.Target, err = load.FindEtcd(ctx, clients)
		return err
	})
}
