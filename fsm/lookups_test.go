package fsm

import (
	"bytes"
	"testing"
)

func TestLookups(t *testing.T) {
	s := NewStateAt(NewestLevel)
	applied(t, s, 1, "SET a 1", "SET b 2")
	for line, want := range map[string]Lookups{
		"GET a": {1, 0}, "GET c": {0, 1}, "MGET a b c": {2, 1}, "EXISTS a a c": {2, 1}, "DBSIZE": {},
	} {
		var got Lookups
		args := bytes.Fields([]byte(line))
		s.Read(Request{Command: Lookup(string(args[0])), Args: args, DB: 2, Lookups: &got})
		if got != want {
			t.Errorf("%s: %+v, want %+v", line, got, want)
		}
	}
}

func TestFirst(t *testing.T) {
	var g Group
	if got := g.First(); len(got) != 1 || got[0] != nil {
		t.Errorf("of an empty group: %q", got)
	}
	g.Add(Lookup("SET"), [][]byte{[]byte("set"), []byte("a"), {}}, []bool{false, false, true})
	g.Add(Lookup("GET"), [][]byte{nil, []byte("b")}, nil)
	if got := g.First(); len(got) != 3 || got[0] != nil || string(got[1]) != "a" || string(got[2]) != "" {
		t.Errorf("got %q", got)
	}
}
