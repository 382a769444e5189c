package fsm

import (
	"fmt"
	"strings"
	"testing"
)

func lineArgs(line string) [][]byte { return bulks(strings.Fields(line)...) }

func TestStreamWaits(t *testing.T) {
	for line, want := range map[string]string{
		"XREAD STREAMS s 0":                                       "no",
		"XREAD BLOCK x STREAMS s 0":                               "no",
		"XREAD BLOCK 5 STREAMS s":                                 "no",
		"XREAD BLOCK 0 STREAMS s t 0 1":                           "3 [s t] 0  0 [0-0 1-0]",
		"XREAD block 70 COUNT 3 STREAMS s x":                      "3 [s] 70  0 [18446744073709551615-18446744073709551615]",
		"XREADGROUP GROUP g c STREAMS s >":                        "no",
		"XREADGROUP GROUP g c BLOCK 9 COUNT 4 STREAMS s t > >":    "4 [s t] 9 g 4 []",
		"XREADGROUP NOACK BLOCK 0 COUNT -1 GROUP g c STREAMS s >": "4 [s] 0 g 0 []",
		"BLPOP s 0": "1 [s] 0  0 []",
		"LPOP s":    "no",
	} {
		args := lineArgs(line)
		c, got := Lookup(string(args[0])), "no"
		if Waits(c, args) {
			w, fail := WaitOf(c, args)
			if fail.IsError() {
				t.Errorf("%s: %s", line, fail.Str)
			}
			got = fmt.Sprintf("%d %s %d %s %d %v", w.Kind, w.Keys, w.Timeout, w.Group, w.Count, w.after)
		}
		if got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}

func TestLastIDs(t *testing.T) {
	for line, want := range map[string]string{
		"XREAD BLOCK 0 STREAMS s 0":                           "[] []",
		"XREAD BLOCK 0 STREAMS s $":                           "[4] [5]",
		"XREAD BLOCK 0 STREAMS a b $ $ 0 $":                   "[4 6] [7 9]",
		"XREAD BLOCK 0 STREAMS a b $":                         "[] []",
		"XREADGROUP GROUP g c BLOCK 0 STREAMS s $":            "[] []",
		"XREAD BLOCK 0 COUNT 1 STREAMS streams $ $ streams $": "[] []",
	} {
		keys, ids := LastIDs(lineArgs(line))
		if got := fmt.Sprint(keys, ids); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}

func TestStreamKeys(t *testing.T) {
	for line, want := range map[string]string{
		"XREAD STREAMS a b 0 0":                            "[2 3]",
		"XREAD COUNT 1 BLOCK streams STREAMS a 0":          "[6]",
		"XREADGROUP GROUP streams streams STREAMS a b > >": "[5 6]",
		"XREADGROUP GROUP g c NOACK STREAMS a >":           "[6]",
		"XREADGROUP GROUP g c NOACK STREAMS a":             "[]",
		"XREADGROUP GROUP g":                               "[]",
	} {
		args := lineArgs(line)
		if got := fmt.Sprint(Lookup(string(args[0])).KeysOf(args)); got != want {
			t.Errorf("%s: %s, want %s", line, got, want)
		}
	}
}

func TestArrived(t *testing.T) {
	s := NewStateAt(NewestLevel)
	applied(t, s, 1, "XADD s 5-1 f v", "XADD s 6 f v", "XDEL s 6", "RPUSH l a", "XADD due 1 f v", "PEXPIRE due 50")
	for _, test := range []struct {
		key, id string
		now     int64
		want    bool
	}{
		{"s", "5", 0, true}, {"s", "5-1", 0, false}, {"s", "0", 0, true}, {"l", "0", 0, false}, {"none", "0", 0, false},
		{"due", "0", 50, true}, {"due", "0", 51, false},
	} {
		w, _ := WaitOf(Lookup("XREAD"), lineArgs("XREAD BLOCK 0 STREAMS "+test.key+" "+test.id))
		if got := s.Arrived(2, &w, 0, test.now); got != test.want {
			t.Errorf("%+v: %v", test, got)
		}
	}
}

func TestUnread(t *testing.T) {
	s := NewStateAt(NewestLevel)
	applied(t, s, 1, "XADD s 1 f v", "XADD s 2 f v", "XADD s 3 f v", "XGROUP|CREATE s s g 1", "XGROUP|CREATE s s h $", "RPUSH l a")
	for what, want := range map[string]string{
		"s g": "2 true", "s h": "0 true", "s none": "0 false", "l g": "0 false", "none g": "0 false",
	} {
		key, group, _ := strings.Cut(what, " ")
		n, ok := s.Unread(2, key, group, 0, 9)
		if got := fmt.Sprint(n, ok); got != want {
			t.Errorf("%s: %s, want %s", what, got, want)
		}
	}
	if n, _ := s.Unread(2, "s", "g", 0, 1); n != 1 {
		t.Errorf("%d past the limit of 1", n)
	}
}

// TestSignalsOfStreams has streams change, come and go.
func TestSignalsOfStreams(t *testing.T) {
	s := NewStateAt(NewestLevel)
	s.Listen(true)
	for line, want := range map[string]string{
		"XADD s * f v":                           "s",
		"DEL s q":                                "s",
		"SET s v":                                "s",
		"RENAME s t":                             "s t",
		"RENAME q s":                             "s",
		"COPY s t":                               "t",
		"XGROUP|DESTROY x s g":                   "s",
		"XGROUP|DESTROY x s none":                "",
		"XGROUP|SETID x s g 0":                   "s",
		"XGROUP|CREATECONSUMER x s g c":          "",
		"XREADGROUP GROUP g c STREAMS s >":       "",
		"XREADGROUP GROUP g d NOACK STREAMS s >": "",
		"XACK s g 1":                             "",
		"XCLAIM s g d 0 1 FORCE":                 "",
		"PEXPIRE s -1":                           "s",
		"FLUSHDB":                                "all",
		"FLUSHALL":                               "all",
	} {
		applied(t, s, 1, "DEL s t q", "SET q v", "XADD s 1 f v", "XGROUP|CREATE x s g 0")
		s.TakeSignals()
		args := lineArgs(line)
		if strings.HasPrefix(line, "XGROUP|") {
			line = string(args[0]) + " " + strings.Join(strings.Fields(line)[1:], " ")
		}
		applied(t, s, 1, line)
		got := map[string]bool{}
		for _, sig := range s.TakeSignals() {
			switch {
			case sig.All && sig.DB == 2:
				got["all"] = true
			case !sig.All:
				got[sig.Key] = true
			}
		}
		for _, w := range strings.Fields(want) {
			if !got[w] {
				t.Errorf("%s: no signal for %s", line, w)
			}
			delete(got, w)
		}
		if len(got) > 0 {
			t.Errorf("%s: signals %v too", line, got)
		}
	}
	applied(t, s, 100, "DEL s", "XADD s 1 f v", "PEXPIRE s 10")
	s.TakeSignals()
	if applied(t, s, 200, "GET none"); len(s.TakeSignals()) != 1 {
		t.Error("a stream that was due is not noticed")
	}
}
