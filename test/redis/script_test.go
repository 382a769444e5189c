//go:build redis

package redis

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/fsm/lua"
	"github.com/trivetdb/trivet/test/transcript"
)

// TestScripts runs the scripts on a real Redis. With -rewrite, the files get its
// replies.
func TestScripts(t *testing.T) {
	files, err := transcript.LoadScripts("../../fsm/testdata/scripts")
	if err != nil {
		t.Fatal(err)
	}
	r := startRedis(t)
	for _, f := range files {
		t.Run(filepath.Base(f.Name), func(t *testing.T) {
			r.do("FLUSHALL")
			for _, s := range f.Scripts {
				if s.Differs {
					continue
				}
				got := transcript.Format(r.do(append([]string{"EVAL", s.Code}, transcript.ScriptArgs...)...))
				got = strings.ReplaceAll(got, lua.Sum(s.Code), "SHA")
				if *rewrite {
					s.Want = got
				} else if got != s.Want {
					t.Errorf("%s:%d: %s\nRedis answers\n%s\nwe\n%s", f.Name, s.Line, s.Code, got, s.Want)
				}
			}
			if *rewrite {
				if err := f.Save(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}
