package fsm

import (
	"strings"
	"testing"
	"time"
)

// matchReference says the same as Match in the plainest way.
func matchReference(p, s string) bool {
	switch {
	case p == "":
		return s == ""
	case p[0] == '*':
		return matchReference(p[1:], s) || s != "" && matchReference(p, s[1:])
	case s == "":
		return false
	case p[0] == '?':
		return matchReference(p[1:], s[1:])
	case p[0] == '\\' && len(p) > 1:
		return p[1] == s[0] && matchReference(p[2:], s[1:])
	case p[0] == '[':
		set, not, rest := classReference(p[1:])
		return set[s[0]] != not && matchReference(rest, s[1:])
	}
	return p[0] == s[0] && matchReference(p[1:], s[1:])
}

// classReference returns the set of a class, whether it is negated, and what
// follows it.
func classReference(p string) (set [256]bool, not bool, rest string) {
	p, not = strings.CutPrefix(p, "^")
	for p != "" && p[0] != ']' {
		if len(p) >= 3 && p[1] == '-' && p[0] != '\\' {
			for c := int(min(p[0], p[2])); c <= int(max(p[0], p[2])); c++ {
				set[c] = true
			}
			p = p[3:]
			continue
		}
		if p[0] == '\\' && len(p) > 1 {
			p = p[1:]
		}
		set[p[0]] = true
		p = p[1:]
	}
	return set, not, strings.TrimPrefix(p, "]")
}

func TestMatchAgreesWithTheReference(t *testing.T) {
	g := newGenerator(t)
	draw := func(alphabet string, most int) string {
		b := make([]byte, g.IntN(most+1))
		for i := range b {
			b[i] = alphabet[g.IntN(len(alphabet))]
		}
		return string(b)
	}
	matched := 0
	for range 300000 {
		p, s := draw(`aabc**??[[]]^-\`, 8), draw(`aaabc]-\^[`, 6)
		got := Match(p, s)
		if want := matchReference(p, s); got != want {
			t.Fatalf("Match(%q, %q) = %v", p, s, got)
		}
		if got {
			matched++
		}
	}
	if matched < 1000 {
		t.Errorf("only %d of the patterns matched", matched)
	}
}

func TestMatchIsQuick(t *testing.T) {
	s := strings.Repeat("a", 10000)
	start := time.Now()
	for _, p := range []string{
		"*a*a*a*a*b", strings.Repeat("*a", 100) + "b", strings.Repeat("*", 10000) + "b",
		strings.Repeat("a*", 100) + "?b", strings.Repeat("*[a-z]", 50) + "[^a]",
	} {
		if Match(p, s) {
			t.Errorf("%.20q matches", p)
		}
	}
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("it took %v", took)
	}
}
