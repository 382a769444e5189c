//go:build redis

package redis

import (
	"slices"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

// TestKeyAccess compares what rows do with their keys, by which users are let
// pass, with what Redis says of the keys.
func TestKeyAccess(t *testing.T) {
	r := startRedis(t)
	for _, c := range fsm.Commands() {
		if c.Flags&(fsm.ClassicOnly|fsm.Alias|fsm.Container) != 0 || c.Group == "pubsub" || slices.Contains(newer, c.Name) {
			continue
		}
		info := r.do("COMMAND", "INFO", c.FullName()).Elems[0]
		if len(info.Elems) < 9 || len(info.Elems[8].Elems) == 0 {
			continue
		}
		want := ""
		for _, spec := range info.Elems[8].Elems {
			at := slices.IndexFunc(spec.Elems, func(v resp.Value) bool { return v.Str == "flags" }) // notes may be ahead
			want += letter(spec.Elems[at+1].Elems)
		}
		if got := c.KeyAccess(); got != want && c.Name != "SORT" && !strings.HasPrefix(c.Name, "GEORADIUS") { // whose last keys follow options
			t.Errorf("%s: %s, Redis has %s", c.Name, got, want)
		}
	}
}

// letter returns what the flags of a key mean.
func letter(flags []resp.Value) string {
	reads, writes := false, false
	for _, f := range flags {
		reads = reads || f.Str == "access"
		writes = writes || f.Str == "insert" || f.Str == "delete" || f.Str == "update"
	}
	switch {
	case reads && writes:
		return "b"
	case reads:
		return "r"
	case writes:
		return "w"
	}
	return "-"
}
