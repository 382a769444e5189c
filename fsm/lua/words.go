package lua

import (
	"strconv"
	"strings"
)

// plain returns gopher-lua's error text in Lua's words. Source is what the code is
// called.
func (n names) plain(source, s string) string {
	head, text, line := "", s, 0
	if rest, ok := strings.CutPrefix(s, source+":"); ok {
		if at := strings.IndexByte(rest, ' '); at > 0 {
			line, _ = strconv.Atoi(rest[:at-1])
			head, text = s[:len(s)-len(rest)+at+1], rest[at+1:]
		}
	}
	switch {
	case strings.HasPrefix(text, "attempt to index a non-table object("):
		kind, rest, _ := strings.Cut(text[len("attempt to index a non-table object("):], ")")
		key := strings.TrimSuffix(strings.TrimPrefix(rest, " with key '"), "'")
		h := hint{line, hintIndex, key}
		if _, ok := n[h]; !ok {
			h.detail = ""
		}
		text = "attempt to index " + n.of(h, kind)
	case text == "attempt to call a non-function object": // nearly always nil
		text = "attempt to call " + n.of(hint{line, hintCall, ""}, "nil")
	case strings.HasPrefix(text, "cannot perform "):
		text = n.arithmetic(text, line)
	case strings.HasPrefix(text, "attempt to compare "):
		a, b, ok := strings.Cut(text[len("attempt to compare "):], " with ")
		if ok && a == b {
			text = "attempt to compare two " + a + " values"
		}
	case strings.Contains(text, "callstack overflow"), text == "registry overflow":
		text = "stack overflow"
	case text == "too many recursions in gettable":
		text = "loop in gettable"
	case text == "too many recursions in settable":
		text = "loop in settable"
	case text == "can not yield from outside of a coroutine":
		return "attempt to yield across metamethod/C-call boundary"
	}
	return head + text
}

// arithmetic words "cannot perform add operation between nil and number".
func (n names) arithmetic(text string, line int) string {
	event, operands, ok := strings.Cut(strings.TrimPrefix(text, "cannot perform "), " operation between ")
	if !ok {
		return text
	}
	kind, right, _ := strings.Cut(operands, " and ")
	side := "l"
	if kind == "number" {
		kind, side = right, "r"
	}
	return "attempt to perform arithmetic on " + n.of(hint{line, hintMath, event + side}, kind)
}

// status makes text fit for an error or a status: one line, which ends at a zero
// byte as C's strings do.
func status(s string) string {
	s, _, _ = strings.Cut(s, "\x00")
	return oneLine(s)
}

// oneLine makes text one line.
func oneLine(s string) string {
	if !strings.ContainsAny(s, "\r\n") {
		return s
	}
	return strings.NewReplacer("\r", " ", "\n", " ").Replace(s)
}
