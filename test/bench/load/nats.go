package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// A NATS is a bucket of keys and values in JetStream, by the server that leads
// its stream.
type NATS struct {
	url    string
	filled bool // the keys that GET reads are set
}

const bucket = "bench"

// FindNATS makes the bucket, if there is none yet, and finds its leader. The
// servers are given by name.
func FindNATS(ctx context.Context, servers map[string]string) (*NATS, error) {
	for _, url := range servers {
		c, js, err := natsClient(url)
		if err != nil {
			return nil, err
		}
		defer c.Close()
		if _, err := js.CreateOrUpdateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: bucket, Replicas: 3, Storage: jetstream.FileStorage}); err != nil {
			return nil, err
		}
		stream, err := js.Stream(ctx, "KV_"+bucket)
		if err != nil {
			return nil, err
		}
		cluster := stream.CachedInfo().Cluster
		if cluster == nil || servers[cluster.Leader] == "" {
			return nil, errors.New("the bucket has no leader")
		}
		return &NATS{url: servers[cluster.Leader]}, nil
	}
	return nil, errors.New("no servers")
}

func natsClient(url string) (*nats.Conn, jetstream.JetStream, error) {
	c, err := nats.Connect(url, nats.MaxReconnects(0), nats.Timeout(5*time.Second))
	if err != nil {
		return nil, nil, err
	}
	js, err := jetstream.New(c)
	return c, js, err
}

// Can reports whether JetStream has the like of the work, which is its time's
// worth.
func (t *NATS) Can(w Work) bool {
	return w.Name == "SET" || w.Name == "GET" && w.Clients == 50 && w.Pipeline <= 16
}

// Prepare sets the keys that are read.
func (t *NATS) Prepare(ctx context.Context, w Work, d time.Duration) (func(context.Context) (Result, error), error) {
	value := []byte(strings.Repeat("x", w.Size))
	op := func(ctx context.Context, kv jetstream.KeyValue) error {
		_, err := kv.Put(ctx, natsKey(rand.IntN(Keyspace)), value)
		return err
	}
	if w.Name == "GET" {
		if err := t.fill(ctx, value); err != nil {
			return nil, err
		}
		op = func(ctx context.Context, kv jetstream.KeyValue) error {
			_, err := kv.Get(ctx, natsKey(rand.IntN(natsKeys)))
			return err
		}
	}
	return prepareOwn(ctx, d, func(ctx context.Context, d time.Duration) (Result, error) {
		clients := make([]jetstream.KeyValue, w.Clients)
		for i := range clients {
			c, js, err := natsClient(t.url)
			if err != nil {
				return Result{}, err
			}
			defer c.Close()
			if clients[i], err = js.KeyValue(ctx, bucket); err != nil {
				return Result{}, err
			}
		}
		return Closed(ctx, w, d, func(ctx context.Context, i int) error { return op(ctx, clients[i]) })
	})
}

func natsKey(i int) string { return fmt.Sprintf("key.%012d", i) }

// natsKeys is how many keys GET reads: fewer than elsewhere, since writing them
// takes JetStream long.
const natsKeys = 2000

func (t *NATS) fill(ctx context.Context, value []byte) error {
	if t.filled {
		return nil
	}
	c, js, err := natsClient(t.url)
	if err != nil {
		return err
	}
	defer c.Close()
	pending := make([]jetstream.PubAckFuture, natsKeys)
	for i := range pending {
		if pending[i], err = js.PublishAsync("$KV."+bucket+"."+natsKey(i), value); err != nil {
			return err
		}
	}
	for _, p := range pending {
		select {
		case <-p.Ok():
		case err := <-p.Err():
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	t.filled = true
	return nil
}
