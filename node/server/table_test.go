package server

import (
	"bytes"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/fsm"
)

func TestTableIsValid(t *testing.T) {
	specs := Specs()
	for i, s := range specs {
		if err := s.Valid(); err != nil {
			t.Error(err)
		}
		if len(s.Name) > maxName {
			t.Errorf("%s: its name is longer than %d bytes", s.Name, maxName)
		}
		if i > 0 && specs[i-1].Name >= s.Name {
			t.Errorf("%s stands behind %s", s.Name, specs[i-1].Name)
		}
	}
	for _, r := range newTable().all {
		runs := r.run != nil || r.command != nil || len(r.order) > 0
		if local := r.Flags&fsm.Local != 0; !runs || local == (r.command != nil) && r.Flags&fsm.Container == 0 {
			t.Errorf("%s: nothing answers it, or two do", r.Name)
		}
	}
}

func TestRouteOf(t *testing.T) {
	for _, c := range []struct {
		flags fsm.Flag
		away  bool
		want  route
	}{
		{fsm.Local, false, toNode}, {fsm.Local, true, toNode},
		{fsm.Read | fsm.Fast, false, toState}, {fsm.Read, true, toState},
		{fsm.Write, false, toLog}, {fsm.Write | fsm.DenyOOM, true, toOther},
		{fsm.Logged | fsm.MovableKeys, true, toOther}, {fsm.Logged | fsm.PubSub, true, toLog},
	} {
		if got := routeOf(c.flags, c.away); got != c.want {
			t.Errorf("routeOf(%v, %v) = %v", c.flags.Names(), c.away, got)
		}
	}
}

func TestFindDoesNotAllocate(t *testing.T) {
	table := newTable()
	names := [][]byte{[]byte("get"), []byte("INCRBYFLOAT"), []byte("nosuch"), bytes.Repeat([]byte("x"), 100)}
	if n := testing.AllocsPerRun(100, func() {
		for _, name := range names {
			table.find(name, true)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestDocs(t *testing.T) {
	var b strings.Builder
	if err := WriteDocs(&b); err != nil {
		t.Fatal(err)
	}
	text := b.String()
	for _, s := range Specs() {
		name := strings.ReplaceAll(strings.TrimPrefix(s.Name, "CLASSIC|"), "|", " ")
		if s.Flags&fsm.Container == 0 && !strings.Contains(text, "| "+name+" |") {
			t.Errorf("%s is missing", name)
		}
	}
	for _, part := range []string{"## Strings", "## Classic", "## What differs from Redis", "| RAFT TRANSFER | `[name]` |"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing", part)
		}
	}
}
