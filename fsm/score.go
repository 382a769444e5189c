package fsm

import (
	"math"
	"sort"
	"strconv"
	"strings"

	"github.com/trivetdb/trivet/resp"
)

// parseScore reads a double as Redis reads scores and weights: what strtod
// takes, without blanks, NaN or what is out of range.
func parseScore(arg []byte) (float64, bool) {
	f, fits, ok := strtod(string(arg))
	return f, ok && fits && len(arg) > 0
}

// strtod reads all of s as C does in its usual locale, but for NaN. What does
// not fit is an infinity or zero.
func strtod(s string) (f float64, fits, ok bool) {
	digits := strings.TrimLeft(s, "+-")
	if len(s)-len(digits) > 1 || strings.Contains(s, "_") {
		return 0, false, false
	}
	mantissaEnd := "eE"
	if hex := len(digits) > 1 && digits[0] == '0' && digits[1]|' ' == 'x'; hex {
		if mantissaEnd = "pP"; !strings.ContainsAny(s, mantissaEnd) {
			s += "p0" // Go wants an exponent
		}
		digits = digits[2:]
	}
	f, err := strconv.ParseFloat(s, 64)
	switch {
	case math.IsNaN(f):
		return 0, false, false
	case err != nil && math.IsInf(f, 0): // out of range: err is nil for inf itself
		return f, false, true
	case err != nil:
		return 0, false, false
	case f == 0:
		if end := strings.IndexAny(digits, mantissaEnd); end >= 0 {
			digits = digits[:end]
		}
		return f, strings.Trim(digits, "0.") == "", true
	}
	return f, true, true
}

// A scoreBound is an end of a range of scores.
type scoreBound struct {
	score float64
	open  bool // the score itself is not in the range
}

// parseScoreBound is less strict than parseScore, as in Redis: blanks may lead,
// nothing means 0, what does not fit is an infinity or zero, and all from a zero
// byte on is left out.
func parseScoreBound(arg []byte) (b scoreBound, ok bool) {
	s := string(arg)
	if b.open = strings.HasPrefix(s, "("); b.open {
		s = s[1:]
	}
	s, _, _ = strings.Cut(s, "\x00")
	if s == "" {
		return b, true
	}
	b.score, _, ok = strtod(strings.TrimLeft(s, " \t\n\v\f\r"))
	return b, ok
}

func parseScoreBounds(low, high []byte) (l, h scoreBound, fail resp.Value) {
	l, ok1 := parseScoreBound(low)
	h, ok2 := parseScoreBound(high)
	if !ok1 || !ok2 {
		return l, h, errScoreRange
	}
	return l, h, resp.Nil
}

// scoreRange returns the ranks of the scores from low to high.
func (z *sortedSet) scoreRange(low, high scoreBound) (from, to int) {
	from = z.order.count(func(it scored) bool {
		return it.score < low.score || low.open && it.score == low.score
	})
	to = z.order.count(func(it scored) bool {
		return it.score < high.score || !high.open && it.score == high.score
	})
	return from, max(from, to)
}

// A lexBound is an end of a range of members.
type lexBound struct {
	end    int // -1 before all members, 1 after all of them, 0 at member
	member string
	open   bool // the member itself is not in the range
}

func parseLexBound(arg []byte) (b lexBound, ok bool) {
	s := string(arg)
	switch {
	case s == "-":
		return lexBound{end: -1}, true
	case s == "+":
		return lexBound{end: 1}, true
	case s == "" || s[0] != '(' && s[0] != '[':
		return b, false
	}
	return lexBound{member: s[1:], open: s[0] == '('}, true
}

func parseLexBounds(low, high []byte) (l, h lexBound, fail resp.Value) {
	l, ok1 := parseLexBound(low)
	h, ok2 := parseLexBound(high)
	if !ok1 || !ok2 {
		return l, h, errLexRange
	}
	return l, h, resp.Nil
}

// above reports whether the bound lies after a member. Equal says what to
// report of the member that the bound names.
func (b lexBound) above(member string, equal bool) bool {
	if b.end != 0 {
		return b.end > 0
	}
	return member < b.member || equal && member == b.member
}

// lexRange returns the ranks of the members from low to high. All members must
// have one score; if not, the range is of no use, as in Redis, but the same on
// all nodes: it depends on what is at a rank, never on the shape of the tree.
func (z *sortedSet) lexRange(low, high lexBound) (from, to int) {
	n := z.size()
	from = sort.Search(n, func(i int) bool { return !low.above(z.order.at(i).member, low.open) })
	to = sort.Search(n, func(i int) bool { return !high.above(z.order.at(i).member, !high.open) })
	return from, max(from, to)
}
