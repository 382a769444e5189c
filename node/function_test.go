package node

import (
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// Libraries reach all nodes, and so does what scripts and functions publish.
func TestFunctionsEverywhere(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	c.settled()
	ctx := t.Context()
	code := "#!lua name=lib\n" +
		"redis.register_function('put', function(keys, args) redis.call('publish', 'news', args[1]) return redis.call('set', keys[1], args[1]) end)\n" +
		"redis.register_function{function_name = 'get', flags = {'no-writes'}, callback = function(keys) return redis.call('get', keys[1]) end}"
	var subs []*redis.PubSub
	for _, m := range c.members {
		sub := m.client().Subscribe(ctx, "news")
		defer sub.Close()
		if _, err := sub.Receive(ctx); err != nil {
			t.Fatal(err)
		}
		subs = append(subs, sub)
	}
	if err := c.members[0].client().FunctionLoad(ctx, code).Err(); err != nil {
		t.Fatal(err)
	}
	for i, m := range c.members {
		value := strings.Repeat("v", i+1)
		conn := m.client()
		until(t, "the library is here", func() bool { return conn.FCall(ctx, "put", []string{"k"}, value).Err() == nil })
		if got, err := conn.FCallRO(ctx, "get", []string{"k"}).Result(); got != value {
			t.Errorf("got %v, %v", got, err)
		}
		for _, sub := range subs {
			if msg, err := sub.ReceiveMessage(ctx); err != nil || msg.Payload != value {
				t.Errorf("message %v, %v", msg, err)
			}
		}
	}
}

// A reading script that is killed lets the writes go on that wait for it.
func TestKilledReaderLetsWritesGoOn(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 1, nil)
	c.settled()
	ctx := t.Context()
	reader, writer, killer := c.members[0].client(), c.members[0].client(), c.members[0].client()
	for range 20 { // until one is killed before its budget ends it
		read, wrote := make(chan error, 1), make(chan error, 1)
		go func() { read <- reader.EvalRO(ctx, "while true do end", nil).Err() }()
		go func() { wrote <- writer.Set(ctx, "k", "v", 0).Err() }()
		killed := false
		until(t, "the script ends", func() bool {
			killed = killed || killer.ScriptKill(ctx).Err() == nil
			return killed || len(read) > 0
		})
		failed := <-read
		if err := <-wrote; err != nil {
			t.Fatalf("the write: %v", err)
		}
		if killed && strings.Contains(failed.Error(), "Script killed by user") {
			return
		}
	}
	t.Error("no script was killed")
}
