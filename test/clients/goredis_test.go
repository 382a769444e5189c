//go:build clients

package clients

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// TestGoRedis takes a tour with go-redis in both protocols.
func TestGoRedis(t *testing.T) {
	leader, follower := roles(t)
	for _, protocol := range []int{2, 3} {
		t.Run(fmt.Sprintf("RESP%d", protocol), func(t *testing.T) {
			c := redis.NewClient(&redis.Options{Addr: leader.Redis, Protocol: protocol, ClientName: "tour"})
			defer c.Close()
			stringCommands(t, c)
			keyCommands(t, c)
			pipeline(t, c)
			connection(t, c)
			other := redis.NewClient(&redis.Options{Addr: follower.Redis, Protocol: protocol})
			defer other.Close()
			err := other.Set(t.Context(), "go:a", 1, 0).Err()
			same(t, "SET at a follower", fmt.Sprint(err), "MOVED 0 "+leader.Redis)
		})
	}
}

func stringCommands(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	same(t, "FlushAll", c.FlushAll(ctx).Err(), nil)
	same(t, "Set", c.Set(ctx, "go:a", "x", 0).Val(), "OK")
	same(t, "Get", c.Get(ctx, "go:a").Val(), "x")
	same(t, "Get of none", c.Get(ctx, "go:none").Err(), error(redis.Nil))
	same(t, "SetNX", c.SetNX(ctx, "go:a", "y", 0).Val(), false)
	same(t, "SetArgs", c.SetArgs(ctx, "go:a", "z", redis.SetArgs{Get: true, TTL: time.Minute}).Val(), "x")
	same(t, "TTL", c.TTL(ctx, "go:a").Val() > 50*time.Second, true)
	same(t, "GetEx", c.GetEx(ctx, "go:a", time.Hour).Val(), "z")
	same(t, "IncrBy", c.IncrBy(ctx, "go:n", 7).Val(), int64(7))
	same(t, "IncrByFloat", c.IncrByFloat(ctx, "go:f", 0.25).Val(), 0.25)
	same(t, "MSet", c.MSet(ctx, "go:m1", 1, "go:m2", 2).Val(), "OK")
	same(t, "MGet", fmt.Sprint(c.MGet(ctx, "go:m1", "go:none", "go:m2").Val()), "[1 <nil> 2]")
	same(t, "Append", c.Append(ctx, "go:m1", "bc").Val(), int64(3))
	same(t, "GetDel", c.GetDel(ctx, "go:m1").Val(), "1bc")
	err := c.Incr(ctx, "go:a").Err()
	same(t, "Incr of a word", fmt.Sprint(err), "ERR value is not an integer or out of range")
}

func keyCommands(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	found := 0
	for i := c.Scan(ctx, 0, "go:*", 2).Iterator(); i.Next(ctx); found++ {
		same(t, "Exists", c.Exists(ctx, i.Val()).Val(), int64(1))
	}
	same(t, "Scan", found, len(c.Keys(ctx, "go:*").Val()))
	same(t, "Type", c.Type(ctx, "go:a").Val(), "string")
	same(t, "Rename", c.Rename(ctx, "go:a", "go:b").Val(), "OK")
	same(t, "ExpireGT", c.ExpireGT(ctx, "go:b", time.Minute).Val(), false)
	same(t, "Persist", c.Persist(ctx, "go:b").Val(), true)
	same(t, "Del", c.Del(ctx, "go:b", "go:none").Val(), int64(1))
}

func pipeline(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	p := c.Pipeline()
	for i := range 300 {
		p.Set(ctx, fmt.Sprint("go:p", i), i, 0)
		p.Get(ctx, fmt.Sprint("go:p", i))
	}
	replies, err := p.Exec(ctx)
	same(t, "Exec", err, nil)
	for i, r := range replies {
		if g, ok := r.(*redis.StringCmd); ok {
			same(t, "Get in a pipeline", g.Val(), fmt.Sprint(i/2))
		}
	}
}

func connection(t *testing.T, c *redis.Client) {
	ctx := t.Context()
	same(t, "Ping", c.Ping(ctx).Val(), "PONG")
	same(t, "ClientList", strings.Contains(c.ClientList(ctx).Val(), "name=tour"), true)
	same(t, "Info", strings.Contains(c.Info(ctx, "server").Val(), "redis_version:7.2.4"), true)
	commands, err := c.Command(ctx).Result()
	same(t, "Command", err, nil)
	same(t, "Command's GET", commands["get"] != nil && commands["get"].ReadOnly, true)
	same(t, "DBSize", c.DBSize(ctx).Val() > 300, true)
	err = c.Do(ctx, "FLUHS").Err()
	var refused redis.Error
	same(t, "an unknown command", errors.As(err, &refused), true)
}

func same[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
