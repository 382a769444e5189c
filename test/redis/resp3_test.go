//go:build redis

package redis

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/fsm/lua"
	"github.com/trivetdb/trivet/resp"
	"github.com/trivetdb/trivet/test/transcript"
)

// otherRESP3 are scripts whose replies a client of RESP3 sees otherwise, besides
// those that the files list.
var otherRESP3 = []string{}

// TestScriptsRESP3 compares what clients of RESP3 are sent.
func TestScriptsRESP3(t *testing.T) {
	files, err := transcript.LoadScripts("../../fsm/testdata/scripts")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		name := filepath.Base(f.Name)
		if !slices.Contains([]string{"replies.txt", "redis.txt", "commands.txt"}, name) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			r, st := startRedis(t), &state{State: fsm.NewStateAt(fsm.NewestLevel)}
			r.do("HELLO", "3")
			for _, s := range f.Scripts {
				if strings.Contains(s.Code, `big_number='12\r\n34'`) {
					continue // our reader refuses Redis's answer, which is no number
				}
				words := append([]string{"EVAL", s.Code}, transcript.ScriptArgs...)
				want := string(r.do(words...).Append(nil, resp.RESP3))
				got := string(st.do(t, words).Append(nil, resp.RESP3))
				got, want = strings.ReplaceAll(got, lua.Sum(s.Code), "SHA"), strings.ReplaceAll(want, lua.Sum(s.Code), "SHA")
				if got != want && !s.Differs && !slices.Contains(otherRESP3, s.Code) {
					t.Errorf("%s:%d: %s\nRedis answers\n%q\nwe\n%q", f.Name, s.Line, s.Code, want, got)
				}
			}
		})
	}
}
