//go:build redis

package redis

import (
	"strings"
	"testing"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

// TestFunctionDumps moves libraries to Redis and back.
func TestFunctionDumps(t *testing.T) {
	r, st := startRedis(t), &state{State: fsm.NewStateAt(fsm.NewestLevel)}
	libraries := []string{
		"#!lua name=small\nredis.register_function('one', function() return 1 end)",
		"#!lua name=packed\nredis.register_function('two', function() return '" + strings.Repeat("abcabd", 3000) + "' end)",
		"#!lua name=zeros\nredis.register_function('three', function() return '" + strings.Repeat("0", 70000) + "' end)",
	}
	for _, code := range libraries {
		st.sub(t, "FUNCTION", "LOAD", code)
	}
	if v := r.do("FUNCTION", "RESTORE", st.sub(t, "FUNCTION", "DUMP").Str); v.Str != "OK" {
		t.Fatalf("Redis answers %v", v)
	}
	for _, f := range []string{"one", "two", "three"} {
		if a, b := r.do("FCALL", f, "0"), st.do(t, []string{"FCALL", f, "0"}); a.Str != b.Str || a.Int != b.Int {
			t.Errorf("%s differs", f)
		}
	}
	packed := r.do("FUNCTION", "DUMP").Str
	before := st.sub(t, "FUNCTION", "LIST", "WITHCODE")
	if v := st.sub(t, "FUNCTION", "RESTORE", packed, "FLUSH"); v.Str != "OK" {
		t.Fatalf("we answer %v", v)
	}
	after := st.sub(t, "FUNCTION", "LIST", "WITHCODE")
	if string(before.Append(nil, resp.RESP3)) != string(after.Append(nil, resp.RESP3)) || len(after.Elems) != len(libraries) {
		t.Error("the libraries changed on their way")
	}
}
