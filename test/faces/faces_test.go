// Package faces drives a cluster in redirect mode with the clients that find
// the leader by themselves, through Sentinel's commands and through Cluster's.
package faces

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trivetdb/trivet/node/server"
	"github.com/trivetdb/trivet/test/cluster"
)

func addresses(c *cluster.Cluster) []string {
	var list []string
	for _, n := range c.Nodes {
		list = append(list, n.Redis)
	}
	return list
}

// clients are the two that find the leader.
func clients(c *cluster.Cluster) map[string]redis.UniversalClient {
	return map[string]redis.UniversalClient{
		// Where the sentinel that it talks to is the node that is gone, this client
		// dials that MaxRetries+1 times, five dials each, before it asks another.
		"sentinel": redis.NewFailoverClient(&redis.FailoverOptions{
			MasterName: server.MasterName, SentinelAddrs: addresses(c),
		}),
		// This client asks who owns the slots once a minute, or when a node says
		// MOVED; a node that is gone says nothing.
		"cluster": redis.NewClusterClient(&redis.ClusterOptions{
			Addrs: addresses(c), MaxRedirects: 10, ClusterStateReloadInterval: 500 * time.Millisecond,
		}),
	}
}

// TestLeaderAwareClients kills and stops the leader under each client.
func TestLeaderAwareClients(t *testing.T) {
	c := cluster.Start(t, 3)
	ctx := t.Context()
	for name, client := range clients(c) {
		t.Run(name, func(t *testing.T) {
			defer client.Close()
			for round := range 4 {
				leader := c.Settled()
				if err := client.Set(ctx, "k", round, 0).Err(); err != nil {
					t.Fatalf("round %d: %v", round, err)
				}
				if round%2 == 0 {
					leader.Kill()
				} else {
					leader.Stop()
				}
				began := time.Now()
				for i := 0; ; i++ {
					err := client.Set(ctx, fmt.Sprintf("%s:%d", name, round), i, 0).Err()
					if err == nil {
						break
					}
					if time.Since(began) > 15*time.Second {
						t.Fatalf("round %d: still %v", round, err)
					}
					time.Sleep(20 * time.Millisecond)
				}
				t.Logf("round %d: a write after %v", round, time.Since(began).Round(time.Millisecond))
				if got, err := client.Get(ctx, "k").Int(); err != nil || got != round {
					t.Errorf("round %d: k is %d, %v", round, got, err)
				}
				leader.Start()
			}
		})
	}
}

// TestSwitchMaster hears of a new leader as a Sentinel's client does.
func TestSwitchMaster(t *testing.T) {
	c := cluster.Start(t, 3)
	leader := c.Settled()
	other := c.Others(leader)[0].Client()
	defer other.Close()
	sub := other.Subscribe(t.Context(), "+switch-master")
	defer sub.Close()
	if _, err := sub.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	leader.Kill()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	m, err := sub.ReceiveMessage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	from := server.MasterName + " " + strings.Replace(leader.Redis, ":", " ", 1) + " "
	to := strings.Replace(c.Leader().Redis, ":", " ", 1)
	if m.Payload != from+to {
		t.Errorf("%q, want %q", m.Payload, from+to)
	}
}

// TestDemotionEndsConnections shows a plain client of a leader that hands over.
func TestDemotionEndsConnections(t *testing.T) {
	c := cluster.Start(t, 3)
	leader := c.Settled()
	sub := leader.Client().Subscribe(t.Context(), "x")
	defer sub.Close()
	if _, err := sub.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	conn := leader.Client().Conn()
	defer conn.Close()
	if err := conn.Set(t.Context(), "k", 1, 0).Err(); err != nil {
		t.Fatal(err)
	}
	if out, errs, status := cluster.Run(t, "transfer-leader", "--addr", leader.Redis); status != 0 {
		t.Fatal(out, errs)
	}
	c.Until("the connection is closed", 2*time.Minute, func(ctx context.Context) bool {
		err := conn.Ping(ctx).Err()
		var refused redis.Error
		return err != nil && !errors.As(err, &refused)
	})
	err := c.Nodes[0].Client().Set(t.Context(), "k", 2, 0).Err()
	if c.Leader() != c.Nodes[0] && (err == nil || !strings.HasPrefix(err.Error(), "MOVED 0 ")) {
		t.Errorf("a follower answered %v", err)
	}
}
