package fsm

import (
	"errors"
	"math"
	"testing"
)

func TestParseSetting(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"maxmemory", "100mb", "104857600"},
		{"maxmemory", "100M", "100000000"},
		{"maxmemory", "1Gb", "1073741824"},
		{"maxmemory", "7b", "7"},
		{"maxmemory", "0", "0"},
		{"maxmemory", "18446744073709551615", "18446744073709551615"},
		{"maxmemory", Unset, Unset},
		{"maxmemory-policy", "NoEviction", "noeviction"},
		{"notify-keyspace-events", "", ""},
		{"notify-keyspace-events", "KEA", "AKE"},
		{"notify-keyspace-events", "tezhslg$xdmnEK", "AKEmn"},
		{"notify-keyspace-events", "mKx", "xKm"},
		{"client-output-buffer-limit", "normal 9 0 0 pubsub 2 0 0 pubsub 1mb 0 0", "normal 9 0 0 slave 0 0 0 pubsub 1048576 0 0"},
		{"client-output-buffer-limit", " normal 0 0 0  PubSub 7 0 0 ", "normal 0 0 0 slave 0 0 0 pubsub 7 0 0"},
		{"slowlog-log-slower-than", "-1", "-1"},
		{"slowlog-log-slower-than", "9223372036854775807", "9223372036854775807"},
		{"slowlog-max-len", "10000", "10000"},
		{"acllog-max-len", "0", "0"},
		{"maxmemory-clients", "1gb", "1073741824"},
		{"protected-mode", "No", "no"},
	} {
		got, err := ParseSetting(c.name, c.text)
		if err != nil || got != c.want {
			t.Errorf("%s %q: %q, %v; want %q", c.name, c.text, got, err, c.want)
		}
		if again, err := ParseSetting(c.name, got); err != nil || again != got {
			t.Errorf("%s %q: the one form %q reads as %q, %v", c.name, c.text, got, again, err)
		}
	}
	for _, c := range []struct{ name, text, want string }{
		{"maxmemory", "", "argument must be a memory value"},
		{"maxmemory", "gb", "argument must be a memory value"},
		{"maxmemory", "1zb", "argument must be a memory value"},
		{"maxmemory", "99999999999gb", "argument must be a memory value"},
		{"maxmemory", "-1", "argument must be a memory value"},
		{"maxmemory-policy", "allkeys-lru", "trivet evicts no keys: only noeviction is possible"},
		{"timeout", "01", "argument couldn't be parsed into an integer"},
		{"timeout", "2147483648", "argument must be between 0 and 2147483647 inclusive"},
		{"client-output-buffer-limit", "pubsub 1 2 3", "trivet has hard limits for the classes normal and pubsub, and no others: all else must be 0"},
		{"client-output-buffer-limit", "normal 0 0 0", "the limit of class pubsub is missing"},
		{"client-output-buffer-limit", "pubsub 0 0 0", "the limit of class normal is missing"},
		{"slowlog-max-len", "10001", "argument must be between 0 and 10000 inclusive"},
		{"acllog-max-len", "1001", "argument must be between 0 and 1000 inclusive"},
		{"maxmemory-clients", "-1", "argument must be a memory value"},
		{"maxmemory-clients", "10000000000gb", "argument must be between 0 and 9223372036854775807 inclusive"},
		{"protected-mode", "maybe", "argument must be 'yes' or 'no'"},
		{"client-output-buffer-limit", "foo 0 0 0", "Invalid client class specified in buffer limit configuration."},
	} {
		if got, err := ParseSetting(c.name, c.text); err == nil || err.Error() != c.want {
			t.Errorf("%s %q: %q, %v; want %q", c.name, c.text, got, err, c.want)
		}
	}
	if _, err := ParseSetting("port", "1"); !errors.Is(err, ErrUnknownSetting) {
		t.Errorf("port: %v", err)
	}
}

// Settings outlive a snapshot, do not change what was read before, and keep what
// only a newer version understands.
func TestSettings(t *testing.T) {
	m := newMachine(t)
	before := m.st.Settings()
	m.do(1, "SETTINGS|SET", "maxmemory", "5000", "timeout", "7", "of-the-future", "x")
	m.do(1, "SETTINGS|SET", MemoryFlag, "9000")
	if _, ok := before.Get("timeout"); ok || before.MaxMemory() != 0 {
		t.Error("settings that were read have changed")
	}
	m.st = restored(t, m.st)
	s := m.st.Settings()
	if v, ok := s.Get("of-the-future"); s.MaxMemory() != 5000 || s.Int("timeout", 0) != 7 || v != "x" || !ok {
		t.Errorf("settings after a restore: %+v", s)
	}
	if s.Int("slowlog-max-len", 128) != 128 || pubsubLimit(s) != 32 {
		t.Error("what is not set has a value")
	}
	m.do(1, "SETTINGS|SET", "maxmemory", Unset, "timeout", Unset, "of-the-future", Unset,
		"client-output-buffer-limit", BufferLimits(5, 7))
	if s := m.st.Settings(); s.MaxMemory() != 9000 || s.Int("timeout", 3) != 3 || pubsubLimit(s) != 7 {
		t.Errorf("settings after some were taken back: %+v", s)
	}
	m.do(1, "SETTINGS|SET", MemoryFlag, Unset, "client-output-buffer-limit", Unset)
	if len(encoded(t, m.st)) >= len(encoded(t, newMachine(t).st))+40 { // the origin
		t.Error("no settings take room in a snapshot")
	}
}

func TestParseBytesBounds(t *testing.T) {
	if n, ok := ParseBytes("17179869183gb"); !ok || n != (math.MaxUint64>>30)<<30 {
		t.Error(n, ok)
	}
	if _, ok := ParseBytes("17179869184gb"); ok {
		t.Error("a number that does not fit was taken")
	}
}

func pubsubLimit(s *Settings) uint64 {
	_, n := s.BufferLimits(0, 32)
	return n
}
