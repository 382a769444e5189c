package fsm

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/fsm/lua"
	"github.com/trivetdb/trivet/resp"
	"github.com/trivetdb/trivet/test/transcript"
)

// TestScripts runs the scripts whose replies a real Redis gave, see test/redis,
// and those that are known to differ. Two states must stay equal.
func TestScripts(t *testing.T) {
	files, err := transcript.LoadScripts("testdata/scripts")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f.Name), func(t *testing.T) {
			a, b := newMachine(t), newMachine(t)
			for _, s := range f.Scripts {
				got := evalText(a, s.Code)
				if other := evalText(b, s.Code); got != other {
					t.Errorf("%s:%d: one state answers\n%s\nthe other\n%s", f.Name, s.Line, got, other)
				}
				if *rewrite && s.Differs {
					s.Want = got
				} else if got != s.Want {
					t.Errorf("%s:%d: %s\ngot\n%s\nwant\n%s", f.Name, s.Line, s.Code, got, s.Want)
				}
			}
			if !bytes.Equal(encoded(t, a.st), encoded(t, b.st)) {
				t.Error("the states differ")
			}
			restored(t, a.st)
			if *rewrite {
				if err := f.Save(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// evalText runs a script of a script file and returns the reply as a RESP2
// client sees it.
func evalText(m *machine, code string) string {
	v := m.do(1000, append([]string{"EVAL", code}, transcript.ScriptArgs...)...)
	v, _, err := resp.ParseValue(v.Append(nil, resp.RESP2), resp.NoLimits)
	if err != nil {
		m.t.Fatalf("%s: %v", code, err)
	}
	return strings.ReplaceAll(transcript.Format(v), lua.Sum(code), "SHA")
}
