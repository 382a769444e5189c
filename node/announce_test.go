package node

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// TestAnnounce gives each node an address that only clients from elsewhere know:
// they are told these by all nodes, and no other.
func TestAnnounce(t *testing.T) {
	t.Parallel()
	announced := func(host string) string { return fmt.Sprintf("%s.example.org:%d", host, 30000+int(host[0])) }
	c := newCluster(t, 3, func(conf *Config) {
		conf.Announce, conf.OnFollower = announced(conf.Name), Redirect
	})
	at := map[string]string{} // where the nodes really listen
	for _, m := range c.members {
		redisAddr := freeAddr(t)
		m.conf.Redis = redisAddr
		m.start()
		m.conf.Redis, at[m.host] = redisAddr, redisAddr
	}
	leader := c.settled()
	follower := c.others(leader)[0]
	ask := func(m *member, words ...any) string {
		conn := m.client()
		defer conn.Close()
		v, err := conn.Do(t.Context(), words...).Result()
		return fmt.Sprint(v, err)
	}
	host, port, _ := strings.Cut(announced(leader.host), ":")
	until(t, "a write is sent to the leader's address", func() bool {
		return strings.Contains(ask(follower, "SET", "k", "v"), "MOVED 0 "+host+":"+port)
	})
	for _, m := range c.members {
		for _, words := range [][]any{
			{"CLUSTER", "SLOTS"}, {"CLUSTER", "SHARDS"}, {"CLUSTER", "NODES"}, {"SENTINEL", "REPLICAS", "mymaster"},
			{"SENTINEL", "SENTINELS", "mymaster"}, {"SENTINEL", "MASTER", "mymaster"},
			{"SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster"}, {"ROLE"}, {"INFO", "replication"},
		} {
			until(t, fmt.Sprint(words, " at ", m.host), func() bool {
				got := ask(m, words...)
				if strings.Contains(got, "127.0.0.1") {
					t.Fatalf("%v at %s: %s", words, m.host, got)
				}
				return strings.Contains(got, ".example.org")
			})
		}
		if got := ask(m, "SENTINEL", "GET-MASTER-ADDR-BY-NAME", "mymaster"); got != fmt.Sprintf("[%s %s] <nil>", host, port) {
			t.Errorf("%s says that the leader is at %s", m.host, got)
		}
		_, listening, _ := strings.Cut(at[m.host], ":")
		if got := ask(m, "INFO", "server"); !strings.Contains(got, "tcp_port:"+listening+"\r\n") {
			t.Errorf("%s listens on %s: %s", m.host, listening, got)
		}
	}
	conn := redis.NewClient(&redis.Options{Addr: at[follower.host]})
	defer conn.Close()
	sub := conn.Subscribe(t.Context(), "+switch-master")
	defer sub.Close()
	if _, err := sub.Receive(t.Context()); err != nil {
		t.Fatal(err)
	}
	other := c.others(leader)[1]
	if err := leader.Transfer(t.Context(), other.host); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	message, err := sub.ReceiveMessage(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(fmt.Sprintf("mymaster %s %s", announced(leader.host), announced(other.host)), ":", " ")
	if message.Payload != want {
		t.Errorf("got %q, want %q", message.Payload, want)
	}
}
