package server

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func TestPubSubResp2(t *testing.T) {
	f := start(t, Options{})
	sub, pub := dial(t, f.redis), dial(t, f.redis)
	for _, step := range []struct {
		by         *wire
		line, want string
	}{
		{sub, "SUBSCRIBE a b", "*3 $subscribe $a :1"},
		{sub, "", "*3 $subscribe $b :2"},
		{sub, "PSUBSCRIBE a* ?", "*3 $psubscribe $a* :3"},
		{sub, "", "*3 $psubscribe $? :4"},
		{sub, "SSUBSCRIBE s", "*3 $ssubscribe $s :1"},
		{sub, "GET k", "-ERR Can't execute 'get': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context"},
		{sub, "PING", "*2 $pong $"},
		{sub, "PING hi", "*2 $pong $hi"},
		{pub, "PUBLISH a 1", ":3"},
		{sub, "", "*3 $message $a $1"},
		{sub, "", "*4 $pmessage $? $a $1"},
		{sub, "", "*4 $pmessage $a* $a $1"},
		{pub, "PUBLISH nobody 1", ":0"},
		{pub, "SPUBLISH s 2", ":1"},
		{sub, "", "*3 $smessage $s $2"},
		{pub, "SPUBLISH a 2", ":0"},
		{pub, "PUBSUB CHANNELS", "*2 $a $b"},
		{pub, "PUBSUB CHANNELS b*", "*1 $b"},
		{pub, "PUBSUB NUMSUB a x", "*4 $a :1 $x :0"},
		{pub, "PUBSUB NUMPAT", ":2"},
		{pub, "PUBSUB SHARDCHANNELS", "*1 $s"},
		{pub, "PUBSUB SHARDNUMSUB s", "*2 $s :1"},
		{pub, "MULTI", "+OK"},
		{pub, "SET k v", "+QUEUED"},
		{pub, "PUBLISH b 3", "+QUEUED"},
		{pub, "EXEC", "*2 +OK :2"},
		{sub, "", "*3 $message $b $3"},
		{sub, "", "*4 $pmessage $? $b $3"},
		{sub, "UNSUBSCRIBE", "*3 $unsubscribe $a :3"},
		{sub, "", "*3 $unsubscribe $b :2"},
		{sub, "UNSUBSCRIBE", "*3 $unsubscribe $-1 :2"},
		{sub, "PUNSUBSCRIBE a* x", "*3 $punsubscribe $a* :1"},
		{sub, "", "*3 $punsubscribe $x :1"},
		{sub, "RESET", "+RESET"},
		{sub, "GET k", "$v"},
		{pub, "PUBSUB NUMPAT", ":0"},
	} {
		var got string
		if step.line == "" {
			got = brief(step.by.next())
		} else {
			got = brief(step.by.value(step.line))
		}
		if got != step.want {
			t.Errorf("%q: %q, want %q", step.line, got, step.want)
		}
	}
}

// A subscriber in RESP3 may do all else; messages come between the replies.
func TestPubSubGoRedis(t *testing.T) {
	f := start(t, Options{})
	c := redis.NewClient(&redis.Options{Addr: f.redis, Protocol: 3})
	defer c.Close()
	ctx := t.Context()
	sub := c.Subscribe(ctx, "news")
	defer sub.Close()
	if _, err := sub.Receive(ctx); err != nil {
		t.Fatal(err)
	}
	const n = 1000
	published := make(chan error, 1)
	go func() {
		p := c.Pipeline()
		for i := range n {
			p.Publish(ctx, "news", i)
		}
		_, err := p.Exec(ctx)
		published <- err
	}()
	for i := range n {
		m, err := sub.ReceiveMessage(ctx)
		if err != nil || m.Payload != strconv.Itoa(i) {
			t.Fatalf("message %d: %v, %v", i, m, err)
		}
	}
	if err := <-published; err != nil {
		t.Error(err)
	}
}

// A subscriber that goes away leaves nothing behind; one that does not read is
// closed, and holds nobody up.
func TestPubSubEnds(t *testing.T) {
	f := start(t, Options{})
	gone, slow, pub := dial(t, f.redis), dial(t, f.redis), dial(t, f.redis)
	gone.value("SUBSCRIBE c")
	gone.Close()
	eventually(t, "no subscription", func() bool { return f.hub.active.Load() == 0 })
	slow.value("SUBSCRIBE c")
	text := strings.Repeat("x", 1<<20)
	began := time.Now()
	for range 2 * maxUnsent >> 20 {
		pub.send("*3\r\n$7\r\nPUBLISH\r\n$1\r\nc\r\n$" + strconv.Itoa(len(text)) + "\r\n" + text + "\r\n")
		pub.next()
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("a slow subscriber held up the publisher: %v", took)
	}
	eventually(t, "the slow subscriber's end", func() bool { return f.hub.active.Load() == 0 })
}
