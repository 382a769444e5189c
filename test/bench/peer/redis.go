package peer

import (
	"context"
	"fmt"
	"net"
	"strings"

	"github.com/trivetdb/trivet/test/bench/load"
)

// Redis is a single redis-server.
var Redis = Kind{"redis", "redis-server, one node, appendonly with appendfsync always", redis(0)}

// Replicated is a redis-server with replicas.
var Replicated = Kind{"redis+2", "redis-server and two replicas, appendfsync always on each; acknowledges before the replicas have the write", redis(2)}

func redis(replicas int) func(ctx context.Context, m Machine, s *Server) error {
	return func(ctx context.Context, m Machine, s *Server) error {
		free, err := freeAddresses(1 + replicas)
		if err != nil {
			return err
		}
		first, port, err := net.SplitHostPort(free[0])
		if err != nil {
			return err
		}
		for i, addr := range free {
			_, own, err := net.SplitHostPort(addr)
			if err != nil {
				return err
			}
			s.Addrs = append(s.Addrs, addr)
			if _, err := s.add(fmt.Sprintf("r%d", i+1), "redis-server", func(p *Process) []string {
				args := []string{"--port", own, "--bind", first, "--dir", p.Dir, "--save", "", "--appendonly", "yes", "--appendfsync", "always"}
				if i > 0 {
					args = append(args, "--replicaof", first, port)
				}
				return args
			}); err != nil {
				return err
			}
		}
		s.Target = load.Redis{Addr: free[0]}
		return s.until(ctx, func(ctx context.Context) error { return redisReady(ctx, free[0], replicas) })
	}
}

// redisReady returns nil once the server has loaded its data, and its replicas
// are in step.
func redisReady(ctx context.Context, addr string, replicas int) error {
	c, err := load.Dial(ctx, addr)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.Do("GET", "ready"); err != nil { // -LOADING before
		return err
	}
	reply, err := c.Do("INFO", "replication")
	if err != nil {
		return err
	}
	if text, _ := reply.(string); strings.Count(text, "state=online") != replicas {
		return fmt.Errorf("not all of %d replicas are in step", replicas)
	}
	return nil
}
