package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"
)

// An Etcd is a cluster of etcd, by its leader's endpoint.
type Etcd struct {
	endpoint string
	filled   bool // all keys are set
}

// FindEtcd returns the cluster of the endpoints, once it has a leader and takes
// writes.
func FindEtcd(ctx context.Context, endpoints []string) (*Etcd, error) {
	for _, endpoint := range endpoints {
		c, err := etcdClient(endpoint)
		if err != nil {
			return nil, err
		}
		defer c.Close()
		status, err := c.Status(ctx, endpoint)
		if err != nil {
			return nil, err
		}
		if status.Leader == status.Header.MemberId {
			_, err := c.Put(ctx, "ready", "")
			return &Etcd{endpoint: endpoint}, err
		}
	}
	return nil, errors.New("no node leads")
}

func etcdClient(endpoint string) (*clientv3.Client, error) {
	return clientv3.New(clientv3.Config{Endpoints: []string{endpoint}, DialTimeout: 5 * time.Second, Logger: zap.NewNop()})
}

// Can reports whether etcd has the like of the work, which is its time's worth.
func (t *Etcd) Can(w Work) bool {
	return w.Name == "SET" || w.Name == "MSET" || w.Name == "GET" && w.Clients == 50 && w.Pipeline <= 16
}

// Prepare sets the keys that are read.
func (t *Etcd) Prepare(ctx context.Context, w Work, d time.Duration) (func(context.Context) (Result, error), error) {
	value := strings.Repeat("x", w.Size)
	key := func() string { return fmt.Sprintf("key:%012d", rand.IntN(Keyspace)) }
	var op func(ctx context.Context, c *clientv3.Client) error
	switch w.Name {
	case "SET":
		op = func(ctx context.Context, c *clientv3.Client) error {
			_, err := c.Put(ctx, key(), value)
			return err
		}
	case "GET":
		// Serializable means from the node's own state, as the others answer.
		op = func(ctx context.Context, c *clientv3.Client) error {
			_, err := c.Get(ctx, key(), clientv3.WithSerializable())
			return err
		}
		if err := t.fill(ctx, value); err != nil {
			return nil, err
		}
	default: // MSET
		op = func(ctx context.Context, c *clientv3.Client) error {
			from := rand.IntN(Keyspace)
			_, err := c.Txn(ctx).Then(etcdPuts(from, 10, value)...).Commit()
			return err
		}
	}
	return prepareOwn(ctx, d, func(ctx context.Context, d time.Duration) (Result, error) {
		clients := make([]*clientv3.Client, w.Clients)
		for i := range clients {
			var err error
			if clients[i], err = etcdClient(t.endpoint); err != nil {
				return Result{}, err
			}
			defer clients[i].Close()
		}
		return Closed(ctx, w, d, func(ctx context.Context, i int) error { return op(ctx, clients[i]) })
	})
}

func etcdPuts(from, n int, value string) (puts []clientv3.Op) {
	for i := range n {
		puts = append(puts, clientv3.OpPut(fmt.Sprintf("key:%012d", (from+i)%Keyspace), value))
	}
	return puts
}

// fill sets all keys, 100 in a transaction.
func (t *Etcd) fill(ctx context.Context, value string) error {
	if t.filled {
		return nil
	}
	c, err := etcdClient(t.endpoint)
	if err != nil {
		return err
	}
	defer c.Close()
	for from := 0; from < Keyspace; from += 100 {
		if _, err := c.Txn(ctx).Then(etcdPuts(from, 100, value)...).Commit(); err != nil {
			return err
		}
	}
	t.filled = true
	return nil
}
