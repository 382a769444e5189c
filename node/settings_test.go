package node

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// config asks a node for a parameter.
func (m *member) config(name string) string {
	conn := m.client()
	defer conn.Close()
	all, err := conn.ConfigGet(context.Background(), name).Result()
	if err != nil {
		return err.Error()
	}
	return all[name]
}

// A setting that one node is told counts on all, after restarts too.
func TestSettingsOfTheCluster(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, func(conf *Config) { conf.OnFollower = Redirect })
	ctx := context.Background()
	follower := c.others(c.settled())[0]
	conn := follower.client()
	if err := conn.ConfigSet(ctx, "slowlog-max-len", "77").Err(); err != nil {
		t.Fatal(err)
	}
	if got := follower.config("slowlog-max-len"); got != "77" {
		t.Errorf("the node that was told shows %s", got)
	}
	everywhere := func(name, want string) {
		t.Helper()
		until(t, name+" "+want+" on all nodes", func() bool {
			return !slices.ContainsFunc(c.members, func(m *member) bool { return m.Node != nil && m.config(name) != want })
		})
	}
	everywhere("slowlog-max-len", "77")
	if err := conn.ConfigRewrite(ctx).Err(); err != nil {
		t.Error(err)
	}
	if err := follower.raft.Snapshot().Error(); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	follower.stop()
	c.settled().must("CONFIG", "SET", "timeout", "100")
	follower.start()
	c.settled()
	everywhere("timeout", "100")
	everywhere("slowlog-max-len", "77")
	for _, m := range c.members {
		m.stop()
	}
	for _, m := range c.members {
		m.start()
	}
	c.settled()
	everywhere("slowlog-max-len", "77")
	everywhere("timeout", "100")
	c.sameState()
}

// Each node tells its own subscribers of all writes, in one order.
func TestNotificationsOnAllNodes(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	ctx := context.Background()
	var subs []*redis.PubSub
	for _, m := range c.members {
		sub := m.client().PSubscribe(ctx, "__keyevent@0__:*")
		defer sub.Close()
		if _, err := sub.Receive(ctx); err != nil {
			t.Fatal(err)
		}
		subs = append(subs, sub)
	}
	c.members[0].must("CONFIG", "SET", "notify-keyspace-events", "EA")
	want := []string{}
	for i := range 30 {
		conn := c.members[i%3].client()
		key := fmt.Sprint("key", i)
		if err := conn.RPush(ctx, key, "a").Err(); err != nil {
			t.Fatal(err)
		}
		want = append(want, "__keyevent@0__:rpush "+key)
	}
	last := c.members[1].client()
	if err := last.Set(ctx, "short", "x", 5e6).Err(); err != nil { // 5 ms
		t.Fatal(err)
	}
	want = append(want, "__keyevent@0__:set short", "__keyevent@0__:expire short", "__keyevent@0__:expired short")
	for i, sub := range subs {
		for _, w := range want {
			msg, err := sub.ReceiveMessage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if got := msg.Channel + " " + msg.Payload; got != w {
				t.Fatalf("node %d tells %q, want %q", i, got, w)
			}
		}
	}
	if err := last.ConfigSet(ctx, "notify-keyspace-events", "Em").Err(); err != nil {
		t.Fatal(err)
	}
	last.Get(ctx, "none")
	if msg, err := subs[1].ReceiveMessage(ctx); err != nil || msg.Channel != "__keyevent@0__:keymiss" || msg.Payload != "none" {
		t.Errorf("a miss: %v, %v", msg, err)
	}
}

// The leader's flag limits all nodes; a setting counts for more; a leader without
// the flag takes the limit back.
func TestMaxMemoryOfTheCluster(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, func(conf *Config) { conf.MaxMemory = "100kb" })
	ctx := context.Background()
	leader := c.settled()
	until(t, "the limit everywhere", func() bool {
		return !slices.ContainsFunc(c.members, func(m *member) bool { return m.config("maxmemory") != "102400" })
	})
	conn := c.others(leader)[0].client()
	refused := 0
	for i := range 200 {
		err := conn.Set(ctx, fmt.Sprint("key", i), strings.Repeat("x", 1000), 0).Err()
		switch {
		case err == nil && refused == 0:
		case err != nil && strings.HasPrefix(err.Error(), "OOM command not allowed when used memory > 'maxmemory'."):
			refused++
		default:
			t.Fatalf("write %d: %v, after %d that were refused", i, err, refused)
		}
	}
	if refused < 50 || refused > 150 {
		t.Errorf("%d of 200 writes refused", refused)
	}
	if err := conn.Del(ctx, "key0", "key1", "key2").Err(); err != nil {
		t.Error(err)
	}
	if err := conn.Set(ctx, "key0", "x", 0).Err(); err != nil {
		t.Error(err)
	}
	if err := conn.ConfigSet(ctx, "maxmemory", "0").Err(); err != nil {
		t.Error(err)
	}
	if err := conn.Set(ctx, "large", strings.Repeat("x", 200000), 0).Err(); err != nil {
		t.Error(err)
	}
	if err := conn.ConfigSet(ctx, "maxmemory", "default").Err(); err != nil {
		t.Error(err)
	}
	if err := conn.Set(ctx, "key0", "x", 0).Err(); err == nil || !strings.HasPrefix(err.Error(), "OOM") {
		t.Errorf("once the flag counts again: %v", err)
	}
	c.sameState()
	for _, m := range c.members {
		m.stop()
	}
	for _, m := range c.members {
		m.conf.MaxMemory = ""
		m.start()
	}
	c.settled()
	until(t, "no limit any more", func() bool {
		return !slices.ContainsFunc(c.members, func(m *member) bool { return m.config("maxmemory") != "0" })
	})
}
