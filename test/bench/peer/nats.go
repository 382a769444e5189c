package peer

import (
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/trivetdb/trivet/test/bench/load"
)

func nats(ctx context.Context, m Machine, s *Server) error {
	const nodes = 3
	free, err := freeAddresses(2 * nodes)
	if err != nil {
		return err
	}
	clients, routes := free[:nodes], free[nodes:]
	byName := map[string]string{}
	for i := range nodes {
		name := fmt.Sprintf("j%d", i+1)
		byName[name] = "nats://" + clients[i]
		config := fmt.Sprintf(`server_name: %s
listen: %s
jetstream { store_dir: "data", sync_interval: always, max_file_store: 32GB }
cluster { name: bench, listen: %s, routes: [nats://%s] }
`, name, clients[i], routes[i], strings.Join(routes, ", nats://"))
		var fault error
		if _, err := s.add(name, m.NATS, func(p *Process) []string {
			fault = os.WriteFile(p.Dir+"/nats.conf", []byte(config), 0o600)
			return []string{"-c", "nats.conf"}
		}); err != nil {
			return err
		}
		if fault != nil {
			return fault
		}
	}
	return s.until(ctx, func(ctx context.Context) (err error) {
		s.Target, err = load.FindNATS(ctx, byName)
		return err
	})
}
