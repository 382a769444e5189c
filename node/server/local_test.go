package server

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/trivetdb/trivet/resp"
)

func connect(t *testing.T, addr string, proto int) *redis.Client {
	t.Helper()
	c := redis.NewClient(&redis.Options{Addr: addr, Protocol: proto, ClientName: "tester", DB: 3})
	t.Cleanup(func() { c.Close() })
	return c
}

func TestGoRedis(t *testing.T) {
	for _, proto := range []int{2, 3} {
		t.Run(fmt.Sprint("RESP", proto), func(t *testing.T) {
			f := start(t, Options{})
			c, ctx := connect(t, f.redis, proto), t.Context()
			ok := func(what string, good bool, err error) {
				t.Helper()
				if !good || err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
			ok("SET", true, c.Set(ctx, "a", "1", time.Hour).Err())
			n, err := c.Incr(ctx, "a").Result()
			ok("INCR", n == 2, err)
			_, err = c.Get(ctx, "b").Result()
			ok("GET", err == redis.Nil, nil)
			name, err := c.ClientGetName(ctx).Result()
			ok("CLIENT GETNAME", name == "tester", err)
			list, err := c.ClientList(ctx).Result()
			ok("CLIENT LIST", strings.Contains(list, " name=tester ") && strings.Contains(list, " db=3 ") &&
				strings.Contains(list, fmt.Sprintf(" resp=%d lib-name=go-redis", proto)), err)
			me, err := c.ClientInfo(ctx).Result()
			ok("CLIENT INFO", err == nil && me.Name == "tester" && me.DB == 3 && me.LastCmd == "client|info", err)
			text, err := c.Info(ctx, "server").Result()
			ok("INFO", strings.Contains(text, "redis_version:7.2.4\r\n"), err)
			config, err := c.ConfigGet(ctx, "maxmemory*").Result()
			ok("CONFIG GET", len(config) == 3 && config["maxmemory-policy"] == "noeviction", err)
			commands, err := c.Command(ctx).Result()
			ok("COMMAND", err == nil && commands["mset"].StepCount == 2 && commands["get"].ReadOnly, err)
			names, err := c.CommandList(ctx, &redis.FilterBy{Pattern: "client|k*"}).Result()
			ok("COMMAND LIST", len(names) == 1 && names[0] == "client|kill", err)
			now, err := c.Time(ctx).Result()
			ok("TIME", time.Since(now).Abs() < time.Minute, err)

			pipe := c.Pipeline()
			for i := range 100 {
				pipe.Set(ctx, fmt.Sprint("k", i), i, 0)
			}
			get := pipe.Get(ctx, "k99")
			_, err = pipe.Exec(ctx)
			ok("pipeline", get.Val() == "99", err)
		})
	}
}

func TestManySessions(t *testing.T) {
	f := start(t, Options{Registerer: prometheus.NewRegistry()})
	c := connect(t, f.redis, 3)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 50 {
				if err := c.Incr(t.Context(), "n").Err(); err != nil {
					t.Error(err)
				}
				c.ClientList(t.Context())
				c.Info(t.Context(), "everything")
			}
		})
	}
	wg.Wait()
	if n, err := c.Get(t.Context(), "n").Int(); n != 400 || err != nil {
		t.Errorf("n is %d, %v", n, err)
	}
}

func TestClientKill(t *testing.T) {
	f := start(t, Options{})
	me := dial(t, f.redis)
	me.ask("PING", "+PONG\r\n")
	victim := func() *wire {
		w := dial(t, f.redis)
		w.ask("PING", "+PONG\r\n")
		return w
	}
	a := victim()
	me.ask("CLIENT KILL "+a.LocalAddr().String(), "+OK\r\n")
	a.closed()
	me.ask("CLIENT KILL "+a.LocalAddr().String()+"x", "-ERR No such client\r\n")

	b := victim()
	me.ask(fmt.Sprintf("CLIENT KILL ID %d", b.value("CLIENT ID").Int), ":1\r\n")
	b.closed()

	d := victim()
	me.ask("CLIENT KILL ADDR "+d.LocalAddr().String()+" LADDR "+f.redis+" TYPE normal USER default", ":1\r\n")
	d.closed()

	e := victim()
	me.ask("CLIENT KILL TYPE pubsub", ":0\r\n")
	me.ask("CLIENT KILL MAXAGE 1000", ":0\r\n")
	eventually(t, "only two clients", func() bool { return f.conns.total() == 2 })
	me.ask("CLIENT KILL TYPE NORMAL SKIPME no", ":2\r\n")
	e.closed()
	me.closed()
}

func TestClientList(t *testing.T) {
	f := start(t, Options{})
	a := dial(t, f.redis)
	a.ask("CLIENT SETNAME first", "+OK\r\n")
	b := dial(t, f.classic)
	b.ask("+CLIENT SETINFO lib-name second", "+OK\r\n")
	lines := strings.Split(a.value("CLIENT LIST").Str, "\n")
	if len(lines) != 3 || !strings.Contains(lines[0], " name=first ") || !strings.Contains(lines[0], " cmd=client|list ") ||
		!strings.Contains(lines[1], " lib-name=second ") || !strings.Contains(lines[1], " cmd=client|setinfo ") {
		t.Errorf("CLIENT LIST: %q", lines)
	}
	id := b.value("+CLIENT ID").Int
	one := a.value(fmt.Sprint("CLIENT LIST ID 999 ", id)).Str
	if strings.Count(one, "\n") != 1 || !strings.HasPrefix(one, fmt.Sprintf("id=%d ", id)) {
		t.Errorf("CLIENT LIST ID: %q", one)
	}
}

func infoFields(t *testing.T, w *wire, line string) map[string]string {
	t.Helper()
	fields := map[string]string{}
	for line := range strings.SplitSeq(w.value(line).Str, "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			fields[name] = value
		} else if line != "" && !strings.HasPrefix(line, "# ") {
			t.Errorf("a line of INFO: %q", line)
		}
	}
	return fields
}

func TestInfo(t *testing.T) {
	f := start(t, Options{RedisAddr: "a.example:6379"})
	w := dial(t, f.redis)
	w.send("SET a 1\r\nEXPIRE a 100\r\nGET a\r\nGET\r\nINCR\r\nSELECT 99\r\nCLIENT ID\r\n")
	for range 7 {
		w.next()
	}
	got := infoFields(t, w, "INFO everything")
	for name, want := range map[string]string{
		"redis_version": "7.2.4", "redis_mode": "standalone", "loading": "0", "tcp_port": "6379",
		"connected_clients": "1", "maxclients": "10000", "blocked_clients": "0", "maxmemory_policy": "noeviction",
		"role": "master", "connected_slaves": "1", "cluster_enabled": "0", "db0": "keys=1,expires=1,avg_ttl=0",
		"errorstat_ERR": "count=3", "node_id": "a-1", "applied_index": "1", "leader_id": "a-1",
		"rejected_connections": "0", "total_error_replies": "3",
	} {
		if got[name] != want {
			t.Errorf("INFO says %s:%s, want %s", name, got[name], want)
		}
	}
	for name, want := range map[string]string{
		"cmdstat_get": "calls=1,", "cmdstat_select": "calls=1,", "cmdstat_client|id": "calls=1,", "cmdstat_incr": "calls=0,",
	} {
		if !strings.HasPrefix(got[name], want) {
			t.Errorf("INFO says %s:%s, want %s", name, got[name], want)
		}
	}
	if !strings.HasSuffix(got["cmdstat_get"], "rejected_calls=1,failed_calls=0") || !strings.HasSuffix(got["cmdstat_select"], "rejected_calls=0,failed_calls=1") {
		t.Errorf("%q, %q", got["cmdstat_get"], got["cmdstat_select"])
	}
	if got := infoFields(t, w, "INFO Replication CPU"); got["role"] == "" || got["used_cpu_user"] == "" || got["redis_version"] != "" {
		t.Errorf("two sections: %v", got)
	}
	if got := infoFields(t, w, "INFO"); got["cmdstat_get"] != "" || got["redis_version"] == "" {
		t.Error("the default sections")
	}
	w.ask("INFO nosuch", "$0\r\n\r\n")
	w.ask("CONFIG RESETSTAT", "+OK\r\n")
	f.node.set(func() { f.node.follows = true })
	got = infoFields(t, w, "INFO all")
	if got["cmdstat_get"] != "" || got["role"] != "slave" || got["master_host"] != "10.0.0.2" || got["master_port"] != "6379" || got["master_link_status"] != "up" {
		t.Errorf("a follower: %v", got)
	}
}

func TestRole(t *testing.T) {
	f := start(t, Options{})
	w := dial(t, f.redis)
	w.ask("ROLE", "*3\r\n$6\r\nmaster\r\n:0\r\n*1\r\n*3\r\n$8\r\n10.0.0.2\r\n$4\r\n6379\r\n$1\r\n7\r\n")
	f.node.set(func() { f.node.follows = true })
	w.ask("ROLE", "*5\r\n$5\r\nslave\r\n$8\r\n10.0.0.2\r\n:6379\r\n$9\r\nconnected\r\n:0\r\n")
	if got := w.value("HELLO 2"); got.Elems[11].Str != "replica" {
		t.Errorf("HELLO at a follower: %v", got)
	}
}

func TestRaft(t *testing.T) {
	f := start(t, Options{})
	w := dial(t, f.redis)
	var status ClusterStatus
	if err := json.Unmarshal([]byte(w.value("RAFT STATUS").Str), &status); err != nil {
		t.Fatal(err)
	}
	if status.Node.ID != "a-1" || status.Node.Cluster != "test" || len(status.Members) != 2 || status.Members[1] != other {
		t.Errorf("RAFT STATUS: %+v", status)
	}
	w.ask("RAFT REMOVE b", "+OK\r\n")
	w.ask("RAFT PROMOTE nobody", "-ERR no member is called nobody\r\n")
	w.ask("RAFT TRANSFER", "+OK\r\n")
	w.ask("RAFT TRANSFER b", "+OK\r\n")
	w.ask("RAFT TRANSFER a b", "-ERR syntax error\r\n")
	w.ask("RAFT DIGEST", "$6\r\n0 none\r\n")
	w.ask("RAFT", "-ERR wrong number of arguments for 'raft' command\r\n")
	if got := w.value("RAFT HELP"); len(got.Elems) < 11 || got.Elems[1].Str != "BACKUP" {
		t.Errorf("RAFT HELP: %v", got)
	}
	want := "remove b,promote nobody,transfer ,transfer b"
	if got := strings.Join(f.node.asked, ","); got != want {
		t.Errorf("the node was asked to %q", got)
	}
}

func TestResp3Shapes(t *testing.T) {
	w := dial(t, start(t, Options{}).redis)
	if got := w.value("HELLO 3 SETNAME me"); got.Kind != resp.Map || got.Elems[5].Int != 3 || got.Elems[12].Str != "modules" {
		t.Errorf("HELLO: %v", got)
	}
	w.ask("CLIENT GETNAME", "$2\r\nme\r\n")
	w.ask("GET a", "_\r\n")
	w.ask("CONFIG GET save maxmemory", "%2\r\n$9\r\nmaxmemory\r\n$1\r\n0\r\n$4\r\nsave\r\n$0\r\n\r\n")
	w.ask("INFO cluster", "=34\r\ntxt:# Cluster\r\ncluster_enabled:0\r\n\r\n")
	w.ask("CLIENT LIST TYPE master", "=4\r\ntxt:\r\n")
	w.ask("RESET", "+RESET\r\n")
	w.ask("GET a", "$-1\r\n")
}

func TestMetrics(t *testing.T) {
	reg := prometheus.NewRegistry()
	f := start(t, Options{Registerer: reg, MaxClients: 1})
	w := dial(t, f.redis)
	w.send("SET a 1\r\nSET b 1\r\nGET a\r\n")
	w.expect("+OK\r\n+OK\r\n$1\r\n1\r\n")
	dial(t, f.redis).expect("-ERR max number of clients reached\r\n")
	eventually(t, "the count of the last reply", func() bool { return f.counts.out.Load() == 17 })
	got := gather(t, reg)
	for name, want := range map[string]float64{
		"trivet_command_seconds set": 2, "trivet_command_seconds get": 1,
		"trivet_connections redis": 1, "trivet_connections classic": 0,
		"trivet_rejected_connections_total": 1,
		"trivet_net_input_bytes_total":      25, "trivet_net_output_bytes_total": 17,
	} {
		if v, ok := got[name]; !ok || v != want {
			t.Errorf("%s is %v, want %v", name, v, want)
		}
	}
}

// gather returns the metrics by name and labels; histograms as their counts.
func gather(t *testing.T, reg *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, family := range families {
		for _, m := range family.Metric {
			name := family.GetName()
			for _, l := range m.Label {
				name += " " + l.GetValue()
			}
			got[name] = m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return got
}
