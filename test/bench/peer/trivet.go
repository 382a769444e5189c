package peer

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/trivetdb/trivet/test/bench/load"
)

// Linearizable is the name of trivet with linearizable reads.
const Linearizable = "trivet-linear"

// Trivet is what this repository makes.
var Trivet = Kind{"trivet", "three nodes, fsync by a majority before each acknowledgement; local reads", trivet()}

// TrivetWith is trivet with more flags.
func TrivetWith(flags ...string) Kind {
	return Kind{Trivet.Name, Trivet.What, trivet(flags...)}
}

func trivet(flags ...string) func(ctx context.Context, m Machine, s *Server) error {
	return func(ctx context.Context, m Machine, s *Server) error {
		const nodes, ports = 3, 5
		free, err := freeAddresses(nodes * ports)
		if err != nil {
			return err
		}
		for i := range nodes {
			a := free[i*ports:]
			s.Addrs = append(s.Addrs, a[0])
			if _, err := s.add(fmt.Sprintf("n%d", i+1), m.Trivet, func(p *Process) []string {
				return append([]string{"serve", "--name", p.Name, "--data", p.Dir, "--redis", a[0], "--classic", a[1], "--peer", a[2],
					"--gossip", a[3], "--http", a[4], "--join", free[3], "--bootstrap-expect", fmt.Sprint(nodes),
					"--on-follower", "forward", "--log-level", "warn"}, flags...)
			}); err != nil {
				return err
			}
		}
		if err := s.Settle(ctx); err != nil {
			return err
		}
		s.Target = load.Redis{Addr: s.Addrs[s.Lead], All: s.Addrs}
		return nil
	}
}

// A Status is what a node of trivet says of itself and the others.
type Status struct {
	Node struct {
		Role       string `json:"role"`
		Term       uint64 `json:"term"`
		SnapshotAt uint64 `json:"snapshot_index"`
	} `json:"node"`
	Members []struct {
		Voter   bool   `json:"voter"`
		Alive   bool   `json:"alive"`
		Redis   string `json:"redis"`
		Role    string `json:"role"`
		Applied uint64 `json:"applied"`
	} `json:"members"`
}

// Status asks the i-th node.
func (s *Server) Status(ctx context.Context, i int) (status Status, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	c, err := load.Dial(ctx, s.Addrs[i])
	if err != nil {
		return status, err
	}
	defer c.Close()
	reply, err := c.Do("RAFT", "STATUS")
	if err != nil {
		return status, err
	}
	text, _ := reply.(string)
	return status, json.Unmarshal([]byte(text), &status)
}

// Settle waits until all nodes are voters that have applied the same, and notes
// who leads.
func (s *Server) Settle(ctx context.Context) error {
	return s.until(ctx, func(ctx context.Context) error {
		for i := range s.Addrs {
			status, err := s.Status(ctx, i)
			if err != nil {
				return err
			}
			if status.Node.Role != "leader" {
				continue
			}
			even := 0
			for _, m := range status.Members {
				if m.Voter && m.Alive && m.Applied > 0 && m.Applied == status.Members[0].Applied {
					even++
				}
			}
			if even == len(s.Addrs) {
				s.Lead = i
				return nil
			}
			return fmt.Errorf("%d of %d nodes are voters and even", even, len(s.Addrs))
		}
		return fmt.Errorf("no node leads")
	})
}
