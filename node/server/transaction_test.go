package server

import (
	"strconv"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/resp"
)

// Each session is the answers to lines sent on one connection; "2:" sends by a
// second one.
func TestTransactions(t *testing.T) {
	for name, steps := range map[string][][2]string{
		"exec": {
			{"MULTI", "+OK"}, {"SET k 1", "+QUEUED"}, {"INCR k", "+QUEUED"}, {"PING", "+QUEUED"}, {"GET k", "+QUEUED"},
			{"2:GET k", "$-1"}, {"EXEC", "*4 +OK :2 +PONG $2"}, {"EXEC", "-ERR EXEC without MULTI"},
		},
		"discard": {{"MULTI", "+OK"}, {"SET k 9", "+QUEUED"}, {"DISCARD", "+OK"}, {"GET k", "$-1"}, {"DISCARD", "-ERR DISCARD without MULTI"}},
		"nested":  {{"MULTI", "+OK"}, {"MULTI", "-ERR MULTI calls can not be nested"}, {"EXEC", "*0"}},
		"abort": {
			{"MULTI", "+OK"}, {"SET k 1", "+QUEUED"}, {"NOSUCH", "-ERR unknown command 'NOSUCH', with args beginning with: "},
			{"EXEC", "-EXECABORT Transaction discarded because of previous errors."}, {"GET k", "$-1"},
		},
		"error inside": {{"SET k x", "+OK"}, {"MULTI", "+OK"}, {"INCR k", "+QUEUED"}, {"SET l 1", "+QUEUED"},
			{"EXEC", "*2 -ERR value is not an integer or out of range +OK"}, {"GET l", "$1"}},
		"select inside": {{"MULTI", "+OK"}, {"SET k 0", "+QUEUED"}, {"SELECT 1", "+QUEUED"}, {"SET k 1", "+QUEUED"},
			{"EXEC", "*3 +OK +OK +OK"}, {"GET k", "$1"}, {"SELECT 0", "+OK"}, {"GET k", "$0"}},
		"watch holds": {{"SET k 1", "+OK"}, {"WATCH k", "+OK"}, {"MULTI", "+OK"}, {"INCR k", "+QUEUED"}, {"EXEC", "*1 :2"}},
		"watch fails": {{"WATCH k", "+OK"}, {"2:SET k 7", "+OK"}, {"MULTI", "+OK"}, {"SELECT 3", "+QUEUED"}, {"SET k 1", "+QUEUED"},
			{"EXEC", "*-1"}, {"GET k", "$7"}},
		"watch notices what came and went": {{"WATCH k", "+OK"}, {"2:SET k 7", "+OK"}, {"2:DEL k", ":1"}, {"MULTI", "+OK"},
			{"SET k 1", "+QUEUED"}, {"EXEC", "*-1"}, {"EXISTS k", ":0"}},
		"watch own write": {{"WATCH k", "+OK"}, {"SET k 7", "+OK"}, {"MULTI", "+OK"}, {"GET k", "+QUEUED"}, {"EXEC", "*-1"}},
		"unwatch":         {{"WATCH k", "+OK"}, {"2:SET k 7", "+OK"}, {"UNWATCH", "+OK"}, {"MULTI", "+OK"}, {"GET k", "+QUEUED"}, {"EXEC", "*1 $7"}},
		"watch inside":    {{"MULTI", "+OK"}, {"WATCH k", "-ERR WATCH inside MULTI is not allowed"}, {"EXEC", "*0"}},
		"watch missing":   {{"WATCH k", "+OK"}, {"2:GET k", "$-1"}, {"MULTI", "+OK"}, {"SET k 1", "+QUEUED"}, {"EXEC", "*1 +OK"}},
		"reset":           {{"MULTI", "+OK"}, {"SET k 1", "+QUEUED"}, {"RESET", "+RESET"}, {"EXEC", "-ERR EXEC without MULTI"}},
	} {
		t.Run(name, func(t *testing.T) {
			at := start(t, Options{})
			first, second := dial(t, at.redis), dial(t, at.redis)
			for _, step := range steps {
				w, line := first, step[0]
				if line[:2] == "2:" {
					w, line = second, line[2:]
				}
				if got := brief(w.value(line)); got != step[1] {
					t.Errorf("%s: %q, want %q", step[0], got, step[1])
				}
			}
		})
	}
}

// brief writes a value on one line: "*2 :1 $text".
func brief(v resp.Value) string {
	switch v.Kind {
	case resp.Null:
		return "$-1"
	case resp.NullArray:
		return "*-1"
	case resp.Simple:
		return "+" + v.Str
	case resp.Error:
		return "-" + v.Str
	case resp.Integer:
		return ":" + strconv.FormatInt(v.Int, 10)
	case resp.Array:
		parts := []string{"*" + strconv.Itoa(len(v.Elems))}
		for _, e := range v.Elems {
			parts = append(parts, brief(e))
		}
		return strings.Join(parts, " ")
	}
	return "$" + v.Str
}
