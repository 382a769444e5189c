package fsm

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/resp"
)

// applied applies a group of commands at a time and returns the last reply.
func applied(t *testing.T, s *State, at int64, lines ...string) resp.Value {
	t.Helper()
	var g Group
	for _, line := range lines {
		words := strings.Fields(line)
		args := make([][]byte, len(words))
		for i, w := range words {
			args[i] = []byte(w)
		}
		g.Add(Lookup(words[0]), args, nil)
	}
	seq := s.Index() + 1
	results, err := s.Apply(seq, Entry{Time: at, Batches: []Batch{{Origin{1, 1}, seq, g.Append(nil, 2)}}})
	if err != nil {
		t.Fatal(err)
	}
	replies := results[0].Replies
	return replies[len(replies)-1]
}

func TestSignals(t *testing.T) {
	s := NewStateAt(NewestLevel)
	for _, listen := range []bool{false, true} {
		s.Listen(listen)
		for line, want := range map[string]string{
			"RPUSH q a b":              "q",
			"LPUSHX q c":               "q",
			"ZADD z 1 m":               "z",
			"SET s v":                  "",
			"HSET h f v":               "",
			"SADD set m":               "",
			"LMOVE q to LEFT LEFT":     "q to",
			"ZUNIONSTORE union 1 z":    "union",
			"BLMOVE q far LEFT LEFT 0": "q far",
			"LPUSHX none c":            "",
			"LLEN q":                   "",
			"EXPIRE s 100":             "",
		} {
			t.Run(fmt.Sprint(listen, line), func(t *testing.T) {
				applied(t, s, 1, "DEL q to far union z s", "RPUSH q 1 2 3", "ZADD z 1 x")
				s.TakeSignals()
				if c := Lookup(strings.Fields(line)[0]); c.Flags&Write == 0 {
					return
				}
				applied(t, s, 1, line)
				var got []string
				for _, sig := range s.TakeSignals() {
					if got = append(got, sig.Key); sig.DB != 2 {
						t.Errorf("database %d", sig.DB)
					}
				}
				if !listen {
					want = ""
				}
				if g := slices.Compact(got); strings.Join(g, " ") != want {
					t.Errorf("signals %q, want %q", g, want)
				}
			})
		}
	}
	applied(t, s, 1, "DEL q to", "RPUSH q 1")
	s.TakeSignals()
	if applied(t, s, 1, "RENAME q to"); len(s.TakeSignals()) != 1 {
		t.Error("a list that was renamed is not noticed")
	}
}

// TestWoken has a key become of another type while a client waited for it.
func TestWoken(t *testing.T) {
	s := NewStateAt(NewestLevel)
	applied(t, s, 1, "SET s v", "RPUSH q a b", "ZADD z 1 m")
	for line, want := range map[string]string{
		"BLPOP s none 0":           "(nil)",
		"BLPOP z s q 0":            "q a",
		"BZPOPMIN q z 0":           "z m",
		"BLMOVE s to LEFT LEFT 0":  "(nil)",
		"BLMPOP 0 3 s z q LEFT":    "q a",
		"BZMPOP 0 2 s q MAX":       "(nil)",
		"BRPOPLPUSH z to 0":        "(nil)",
		"BLMOVE to2 s LEFT LEFT 0": "(nil)",
	} {
		v := applied(t, s, 1, "DEL q z", "RPUSH q a b", "ZADD z 1 m", "TX|WOKEN", line)
		if text := show(v); !strings.HasPrefix(text, want) {
			t.Errorf("%s: %q, want %q", line, text, want)
		}
	}
	// It is for one command, and a destination of a wrong type is an error still.
	if v := applied(t, s, 1, "TX|WOKEN", "BLPOP none 0", "BLPOP s 0"); v.Str != errWrongType.Str {
		t.Errorf("the second command: %s", show(v))
	}
	if v := applied(t, s, 1, "TX|WOKEN", "BLMOVE q s LEFT LEFT 0"); v.Str != errWrongType.Str {
		t.Errorf("to a wrong type: %s", show(v))
	}
}

// show writes a reply on a line.
func show(v resp.Value) string {
	switch v.Kind {
	case resp.Null, resp.NullArray:
		return "(nil)"
	case resp.Array:
		var parts []string
		for _, e := range v.Elems {
			parts = append(parts, show(e))
		}
		return strings.Join(parts, " ")
	}
	return v.Str
}

func TestElements(t *testing.T) {
	s := NewStateAt(NewestLevel)
	applied(t, s, 1000, "RPUSH q a b", "ZADD z 1 m", "SET s v", "RPUSH due a", "PEXPIRE due 500")
	for _, test := range []struct {
		key  string
		now  int64
		kind WaitKind
		n    int
	}{
		{"q", 0, WaitList, 2}, {"z", 0, WaitZSet, 1}, {"none", 0, WaitNone, 0}, {"s", 0, waitOther, 0},
		{"due", 1499, WaitList, 1}, {"due", 1500, WaitNone, 0},
	} {
		if kind, n := s.Elements(2, test.key, test.now); kind != test.kind || n != test.n {
			t.Errorf("%s at %d: %d of kind %d", test.key, test.now, n, kind)
		}
	}
	if kind, _ := s.Elements(0, "q", 0); kind != WaitNone {
		t.Error("found in another database")
	}
}

func TestTimeouts(t *testing.T) {
	for arg, want := range map[string]int64{
		"0": 0, "1": 1000, "0.001": 1, "0.0001": 1, "1e-10": 1, ".5": 500, "1.5e1": 15000, "0x10": 16000, "-0": 0, "-0.0001": 0,
	} {
		if ms, fail := parseTimeout([]byte(arg)); ms != want || fail.IsError() {
			t.Errorf("%q: %d ms, %s", arg, ms, fail.Str)
		}
	}
	for arg, want := range map[string]resp.Value{
		"": errTimeout, "x": errTimeout, " 1": errTimeout, "1 ": errTimeout, "1_0": errTimeout, "nan": errTimeout,
		"-1": errTimeoutNegative, "-inf": errTimeoutNegative,
		"inf": errTimeoutRange, "1e400": errTimeoutRange, fmt.Sprint(math.MaxInt64): errTimeoutRange,
	} {
		if _, fail := parseTimeout([]byte(arg)); fail.Str != want.Str {
			t.Errorf("%q: %q, want %q", arg, fail.Str, want.Str)
		}
	}
}
