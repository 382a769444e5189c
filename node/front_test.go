package node

import (
	"context"
	"net/http"
	"path/filepath"
	"testing"

	"github.com/redis/go-redis/v9"
)

// TestOperatorGetsIn fills a node with clients: by the socket in the data directory an
// operator gets in all the same.
func TestOperatorGetsIn(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 1, nil)
	m := c.members[0]
	ctx := context.Background()
	path := filepath.Join(m.conf.DataDir, SocketName)
	m.must("CONFIG", "SET", "maxclients", "1")
	operator := redis.NewClient(&redis.Options{Network: "unix", Addr: path})
	defer operator.Close()
	until(t, "no place is left", func() bool {
		client := m.client()
		t.Cleanup(func() { client.Close() })
		return client.Ping(ctx).Err() != nil
	})
	if err := operator.ClientKillByFilter(ctx, "TYPE", "normal").Err(); err != nil {
		t.Fatal(err)
	}
	m.kill()
	m.start() // over the socket that is left
	until(t, "an answer after a crash", func() bool { return operator.Ping(ctx).Err() == nil })
}

// TestStatusOfUsers asks a node for its status over HTTP, where a password is set.
func TestStatusOfUsers(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 1, func(conf *Config) { conf.Password = "secret" })
	m := c.members[0]
	ask := func(password string) int {
		r, err := http.NewRequest("GET", "http://"+m.conf.HTTP+"/status", nil)
		if err != nil {
			t.Fatal(err)
		}
		if password != "" {
			r.SetBasicAuth("default", password)
		}
		reply, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		reply.Body.Close()
		return reply.StatusCode
	}
	for password, want := range map[string]int{"": 401, "wrong": 401, "secret": 200} {
		if got := ask(password); got != want {
			t.Errorf("with the password %q: %d", password, got)
		}
	}
	for _, page := range []string{"/livez", "/metrics"} {
		if !m.alive(page) {
			t.Errorf("%s is not there", page)
		}
	}
}
