package fsm

import (
	"slices"
	"testing"
)

func TestPushes(t *testing.T) {
	a, b := &Group{}, &Group{}
	a.Add(Lookup("LPUSH"), bulks("lpush", "k", "1", "2"), nil)
	a.Add(Lookup("RPUSH"), bulks("RPUSH", "k", "3"), nil)
	a.Add(Lookup("SET"), bulks("SET", "LPUSH", "k"), nil)
	a.Add(Lookup("LPUSH"), bulks("LPUSH", "other", ""), nil)
	b.Add(Lookup("LPUSHX"), bulks("LPUSHX", "k", "1"), nil)
	b.Add(Lookup("RPUSH"), bulks("RPUSH", "k", "1"), nil)
	want := []Push{{3, "k", 3}, {3, "other", 1}, {15, "k", 1}}
	body := b.Append(a.Append(nil, 3), 15)
	if got := Pushes(body); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := a.Pushes(3); !slices.Equal(got, want[:2]) {
		t.Errorf("the first group: got %v, want %v", got, want[:2])
	}
	for n := range body { // a damaged batch is refused elsewhere
		Pushes(body[:n])
	}
}
