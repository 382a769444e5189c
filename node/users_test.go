package node

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trivetdb/trivet/node/server"
)

// as returns a client of a user with the password pw.
func (m *member) as(user string) *redis.Client {
	conn := redis.NewClient(&redis.Options{
		Addr: m.conf.Redis, Username: user, Password: "pw", MaxRetries: -1, DialerRetries: 1, PoolSize: 1,
		DialTimeout: 5 * time.Second, ReadTimeout: 20 * time.Second, DisableIdentity: true,
	})
	m.c.t.Cleanup(func() { conn.Close() })
	return conn
}

// acl runs an ACL command at the node, patiently: there may be no leader.
func (m *member) acl(words ...any) (v any) {
	m.c.t.Helper()
	conn := m.client()
	defer conn.Close()
	until(m.c.t, fmt.Sprint("ACL ", words), func() (done bool) {
		var err error
		v, err = conn.Do(context.Background(), append([]any{"ACL"}, words...)...).Result()
		if err != nil && kindOf(err) != "loading" && kindOf(err) != "refused" {
			m.c.t.Fatalf("ACL %v at %s: %v", words, m.host, err)
		}
		return err == nil
	})
	return v
}

// sameUsers waits until all nodes that run have the users that one has.
func (c *cluster) sameUsers(like *member) {
	c.t.Helper()
	want := fmt.Sprint(like.acl("LIST"))
	for _, m := range c.members {
		if m.Node != nil {
			until(c.t, m.host+" has the users "+want, func() bool { return fmt.Sprint(m.acl("LIST")) == want })
		}
	}
}

// denials tries what joe may not do, on the node.
func (m *member) denials() (errs []string) {
	ctx := context.Background()
	conn := m.as("joe")
	defer conn.Close()
	for _, words := range [][]any{
		{"SET", "k:1", "v"}, {"SET", "x", "v"}, {"GET", "x"}, {"FLUSHALL"},
		{"EVAL", "return redis.call('SET', KEYS[1], 'v')", 1, "k:2"},
		{"EVAL", "return redis.pcall('GET', 'x')", 0}, {"EVAL", "return redis.pcall('FLUSHALL')", 0},
	} {
		var err error
		for end := time.Now().Add(patience); time.Now().Before(end); {
			if err = conn.Do(ctx, words...).Err(); err == nil || kindOf(err) != "loading" {
				break
			}
		}
		errs = append(errs, fmt.Sprint(err))
	}
	return errs
}

var denied = []string{
	"<nil>", "NOPERM No permissions to access a key", "NOPERM No permissions to access a key",
	"NOPERM User joe has no permissions to run the 'flushall' command", "<nil>",
	"ERR The user executing the script can't access at least one of the keys mentioned in the command arguments",
	"ERR The user executing the script can't run this command or subcommand",
}

func (c *cluster) checkDenials() {
	c.t.Helper()
	for _, m := range c.members {
		if m.Node == nil {
			continue
		}
		if got, want := strings.Join(m.denials(), "\n"), strings.Join(denied, "\n"); got != want {
			c.t.Errorf("joe at %s:\n%s\nwant\n%s", m.host, got, want)
		}
	}
}

// TestUsers makes users at a follower: all nodes have them, also those that were
// started again, from the log or a snapshot, and one that joins late.
func TestUsers(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, func(conf *Config) { conf.SnapshotBytes = snapshotBytes })
	follower := c.others(c.settled())[0]
	follower.acl("SETUSER", "joe", "on", ">pw", "~k:*", "&news", "+@all", "-@dangerous", "(%R~r +get)")
	// Who answered knows the user at once.
	if err := follower.as("joe").Get(t.Context(), "k").Err(); err == nil || !strings.HasPrefix(err.Error(), "NOPERM") {
		t.Errorf("at the node that has answered: %v", err)
	}
	follower.acl("SETUSER", "ann", "on", ">pw", "+@all", "allkeys")
	follower.acl("DELUSER", "ann")
	c.sameUsers(follower)
	c.checkDenials()
	c.sameState()
	for _, m := range c.members {
		log := fmt.Sprint(m.acl("LOG"))
		if n := strings.Count(log, "context:lua"); n != 2 {
			t.Errorf("%s knows of %d denials to scripts: %s", m.host, n, log)
		}
	}

	for _, m := range c.members {
		m.kill()
	}
	for _, m := range c.members {
		m.start()
	}
	c.settled()
	c.sameUsers(follower)
	c.checkDenials()

	// So much that all users lie in snapshots.
	fill(t, c.members[0], 200)
	until(t, "snapshots", func() bool {
		for _, m := range c.members {
			if m.stat("last_snapshot_index") == 0 {
				return false
			}
		}
		return true
	})
	for _, m := range c.members {
		m.kill()
	}
	for _, m := range c.members {
		m.start()
	}
	late := c.add(func(*Config) {})
	late.start()
	c.settled()
	c.sameUsers(follower)
	c.checkDenials()
	c.sameState()
}

// TestUsersWhoGo ends connections, on every node, of a user who may not listen
// any more, or is gone.
func TestUsersWhoGo(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	leader := c.settled()
	follower := c.others(leader)[0]
	follower.acl("SETUSER", "joe", "on", ">pw", "~*", "&news", "+@all")
	c.sameUsers(follower)
	listen := func() (subs []*redis.PubSub) {
		for _, m := range c.members {
			sub := m.as("joe").Subscribe(t.Context(), "news")
			if _, err := sub.Receive(t.Context()); err != nil {
				t.Fatalf("joe at %s: %v", m.host, err)
			}
			subs = append(subs, sub)
		}
		return subs
	}
	ended := func(subs []*redis.PubSub) {
		t.Helper()
		for i, sub := range subs {
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			if _, err := sub.Receive(ctx); err == nil || ctx.Err() != nil {
				t.Errorf("joe is still there at %s", c.members[i].host)
			}
			cancel()
			sub.Close()
		}
	}
	subs := listen()
	follower.acl("SETUSER", "joe", "resetchannels")
	ended(subs)
	follower.acl("SETUSER", "joe", "&*")
	c.sameUsers(follower)
	subs = listen()
	leader.acl("DELUSER", "joe")
	ended(subs)
}

// TestUsersGivenAtStart gives all nodes the same lines, as an operator would.
func TestUsersGivenAtStart(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 3, nil)
	lines, err := server.ParseUsers("user joe on >pw ~k:* +@all -@dangerous (%R~r +get)\nuser ann off +@read")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		for _, m := range c.members {
			if err := m.SetUsers(t.Context(), lines, nil); err != nil {
				t.Fatalf("at %s: %v", m.host, err)
			}
		}
	}
	c.sameUsers(c.members[0])
	c.checkDenials()
	err = c.members[1].SetUsers(t.Context(), []server.UserLine{{Name: "joe", Rules: []string{"on", "+nosuch"}}}, []string{"ann"})
	if err == nil || !strings.Contains(err.Error(), "+nosuch") {
		t.Errorf("wrong lines: %v", err)
	}
	c.sameUsers(c.members[0])
	c.checkDenials()
	if err := c.members[1].SetUsers(t.Context(), nil, []string{"ann", "nobody", "default"}); err != nil {
		t.Error(err)
	}
	until(t, "ann is gone", func() bool { return fmt.Sprint(c.members[1].acl("USERS")) == "[default joe]" })
}
