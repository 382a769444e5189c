package server

import (
	"strings"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

var lolwutCommands = []local{
	{spec("LOLWUT", -1, fsm.Local|fsm.Fast, "server", "Draw a trivet, and tell the version.", "5.0.0"), "[VERSION version] [feet]", []string{"@read"}, lolwut},
}

// lolwut draws a trivet with as many feet as were asked for, three to nine.
func lolwut(s *session, args [][]byte) resp.Value {
	args = args[1:]
	if len(args) >= 2 && is(args[0], "VERSION") {
		if _, ok := parseInt(args[1]); !ok {
			return errNotInteger
		}
		args = args[2:]
	}
	feet := int64(3)
	if len(args) > 0 {
		n, ok := parseInt(args[0])
		if !ok {
			return errNotInteger
		}
		feet = min(max(n, 3), 9)
	}
	width := int(feet)*6 - 5
	var b strings.Builder
	b.WriteString("  " + strings.Repeat("_", width+2) + "\n")
	b.WriteString(" (" + strings.Repeat("_", width+2) + ")\n")
	for _, leg := range []string{"|", "|", "^"} {
		b.WriteString("   ")
		for i := range feet {
			if i > 0 {
				b.WriteString("     ")
			}
			b.WriteString(leg)
		}
		b.WriteByte('\n')
	}
	b.WriteString("\nRedis ver. " + redisVersion + ", trivet " + s.srv.opts.Version + "\n")
	return resp.Text(b.String())
}
