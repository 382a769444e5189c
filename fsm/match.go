package fsm

import (
	"strings"

	"github.com/trivetdb/trivet/fsm/glob"
)

func upper(s string) string { return strings.ToUpper(s) }

// Match reports whether s matches a glob-style pattern as Redis understands it.
func Match(pattern, s string) bool { return glob.Match(pattern, s) }
