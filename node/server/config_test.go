package server

import (
	"strings"
	"testing"
	"time"

	"github.com/trivetdb/trivet/fsm"
)

func TestConfigSet(t *testing.T) {
	f := start(t, Options{MaxClients: 7})
	w := dial(t, f.redis)
	for _, step := range []struct{ line, want string }{
		{"CONFIG SET timeout 5 maxmemory 1kb", "+OK"},
		{"CONFIG GET timeout maxmemory maxclients", "*6 $maxclients $7 $maxmemory $1024 $timeout $5"},
		{"CONFIG SET timeout 6 maxmemory x", "-ERR CONFIG SET failed (possibly related to argument 'maxmemory') - argument must be a memory value"},
		{"CONFIG GET timeout", "*2 $timeout $5"},
		{"CONFIG SET maxmemory default timeout default", "+OK"},
		{"CONFIG GET timeout maxmemory", "*4 $maxmemory $0 $timeout $0"},
		{"CONFIG SET appendonly yes", "+OK"},
		{"CONFIG SET appendonly no", "-ERR CONFIG SET failed (possibly related to argument 'appendonly') - trivet does not let it be changed"},
		{"CONFIG SET maxmemory-policy allkeys-lru", "-ERR CONFIG SET failed (possibly related to argument 'maxmemory-policy') - trivet evicts no keys: only noeviction is possible"},
		{"CONFIG SET requirepass x", "-ERR CONFIG SET failed (possibly related to argument 'requirepass') - passwords are not part of the configuration: give each node the flag --password"},
		{"CONFIG REWRITE", "+OK"},
		{"MULTI", "+OK"},
		{"CONFIG SET slowlog-max-len 9", "+QUEUED"},
		{"SET k v", "+QUEUED"},
		{"EXEC", "*2 +OK +OK"},
		{"CONFIG GET slowlog-max-len", "*2 $slowlog-max-len $9"},
	} {
		if got := brief(w.value(step.line)); got != step.want {
			t.Errorf("%s: %q, want %q", step.line, got, step.want)
		}
	}
	// It is about all nodes, so any takes it.
	f.node.set(func() { f.node.follows = true })
	w.ask("CONFIG SET timeout 9", "+OK\r\n")
	f.node.set(func() { f.node.noLeader = true })
	if got := brief(w.value("CONFIG SET timeout 10")); !strings.HasPrefix(got, "-LOADING") {
		t.Errorf("without a leader: %q", got)
	}
	f.node.set(func() { f.node.noLeader, f.node.unknown = false, true })
	w.send("CONFIG SET timeout 10\r\n")
	w.closed()
}

func TestMaxClientsSetting(t *testing.T) {
	f := start(t, Options{})
	w := dial(t, f.redis)
	w.ask("CONFIG SET maxclients 2", "+OK\r\n")
	other := dial(t, f.redis)
	other.ask("PING", "+PONG\r\n")
	third := dial(t, f.redis)
	third.expect("-ERR max number of clients reached\r\n")
	w.ask("CONFIG SET maxclients 3", "+OK\r\n")
	dial(t, f.redis).ask("PING", "+PONG\r\n")
}

// Idle clients are closed, but neither those who listen nor those who wait.
func TestTimeoutSetting(t *testing.T) {
	f := start(t, Options{})
	idle, busy, listener, waiter := dial(t, f.redis), dial(t, f.redis), dial(t, f.redis), dial(t, f.redis)
	idle.ask("PING", "+PONG\r\n")
	listener.value("SUBSCRIBE a")
	waiter.send("BLPOP list 0\r\n")
	f.awaitCommand("BLPOP")
	busy.ask("CONFIG SET timeout 3", "+OK\r\n")
	gone := make(chan bool)
	go func() {
		idle.closed()
		close(gone)
	}()
	for waiting := true; waiting; {
		select {
		case <-gone:
			waiting = false
		case <-time.After(100 * time.Millisecond):
			busy.ask("PING", "+PONG\r\n")
		}
	}
	busy.ask("CONFIG SET timeout 0", "+OK\r\n")
	busy.ask("PUBLISH a x", ":1\r\n")
	if got := brief(listener.next()); got != "*3 $message $a $x" {
		t.Errorf("the listener got %q", got)
	}
	busy.ask("RPUSH list x", ":1\r\n")
	if got := brief(waiter.next()); got != "*2 $list $x" {
		t.Errorf("who waits got %q", got)
	}
}

func TestPubSubLimitSetting(t *testing.T) {
	f := start(t, Options{})
	w, sub := dial(t, f.redis), dial(t, f.redis)
	w.ask("CONFIG SET client-output-buffer-limit 'pubsub 100 0 0'", "+OK\r\n")
	sub.value("SUBSCRIBE a")
	w.ask("PUBLISH a "+strings.Repeat("x", 200), ":1\r\n")
	eventually(t, "the end of a subscriber with too much unread", func() bool { return f.conns.total() == 1 })
}

func TestKeyspaceNotifications(t *testing.T) {
	f := start(t, Options{})
	w, sub := dial(t, f.redis), dial(t, f.redis)
	sub.value("PSUBSCRIBE __key*")
	w.ask("SET a 1", "+OK\r\n")
	w.ask("CONFIG SET notify-keyspace-events KEAm", "+OK\r\n")
	w.ask("DEL a", ":1\r\n")
	w.ask("GET a", "$-1\r\n")
	for _, want := range []string{
		"__keyspace@0__:a $del", "__keyevent@0__:del $a", "__keyspace@0__:a $keymiss", "__keyevent@0__:keymiss $a",
	} {
		if got := brief(sub.next()); got != "*4 $pmessage $__key* $"+want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestMaxMemorySetting(t *testing.T) {
	f := start(t, Options{})
	w := dial(t, f.redis)
	w.ask("SET big "+strings.Repeat("x", 5000), "+OK\r\n")
	w.ask("MULTI", "+OK\r\n")
	w.ask("SET a 1", "+QUEUED\r\n")
	dial(t, f.redis).ask("CONFIG SET maxmemory 4kb", "+OK\r\n")
	const oom = "OOM command not allowed when used memory > 'maxmemory'."
	w.ask("EXEC", "-EXECABORT Transaction discarded because of: "+oom+"\r\n")
	w.ask("SET a 1", "-"+oom+"\r\n")
	w.ask("MULTI", "+OK\r\n")
	w.ask("SET a 1", "-"+oom+"\r\n")
	w.ask("GET a", "-"+oom+"\r\n")
	w.ask("EXEC", "-EXECABORT Transaction discarded because of previous errors.\r\n")
	w.ask("DEL big", ":1\r\n")
	w.ask("WATCH a", "+OK\r\n")
	w.ask("MULTI", "+OK\r\n")
	w.ask("SET a 1", "+QUEUED\r\n")
	w.ask("GET a", "+QUEUED\r\n")
	w.ask("EXEC", "*2\r\n+OK\r\n$1\r\n1\r\n")
	w.ask("WATCH a", "+OK\r\n")
	w.ask("MULTI", "+OK\r\n")
	w.ask("SET a 1", "+QUEUED\r\n")
	dial(t, f.redis).ask("SET a 2", "+OK\r\n")
	w.ask("EXEC", "*-1\r\n")
	text := w.value("INFO memory").Str
	for _, want := range []string{"used_memory_dataset:162\r\n", "maxmemory:4096\r\n", "maxmemory_human:4.00K\r\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("INFO has no %q:\n%s", want, text)
		}
	}
}

// What CONFIG shows has a value, and what can be set is shown.
func TestParametersAreSettings(t *testing.T) {
	f := start(t, Options{})
	for name := range parameters {
		value := f.parameter(name)
		if form, err := fsm.ParseSetting(name, value); err == nil && form != value {
			t.Errorf("%s is %q, and reads as %q", name, value, form)
		}
	}
	if len(parameters) < 10 {
		t.Error("too few parameters")
	}
}
