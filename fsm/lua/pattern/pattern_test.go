package pattern

import (
	"errors"
	"strings"
	"testing"
)

func TestAt(t *testing.T) {
	for _, tt := range []struct {
		src, pat string
		end      int // -1 for no match
		captures string
	}{
		{"", "", 0, ""}, {"abc", "abc", 3, ""}, {"abc", "ab$", -1, ""}, {"abc", "abc$", 3, ""}, {"a$c", "a$c", 3, ""},
		{"aaa", "a*", 3, ""}, {"aaa", "a-", 0, ""}, {"aaab", "a-b", 4, ""}, {"b", "a?b", 1, ""}, {"aab", "a+ab", 3, ""},
		{"key=val", "(%w+)=(%w*)", 7, "key val"}, {"abab", "(ab)%1", 4, "ab"}, {"abac", "(ab)%1", -1, ""},
		{"x]y", "x[]]y", 3, ""}, {"x^y", "x[%^]y", 3, ""}, {"a-c", "[a%-]+", 2, ""}, {"b", "[^a]", 1, ""}, {"m", "[a-z]", 1, ""},
		{"(a(b))c", "%b()", 6, ""}, {"(a(b)", "%b()", -1, ""}, {"word", "%f[%w]%w+%f[%W]", 4, ""},
		{"\x00\x01", "%z%c", 2, ""}, {"A1_ ", "%u%d%p%s", 4, ""}, {"fF9", "%x%x%x", 3, ""}, {"é", "%a", -1, ""}, {"é", "..", 2, ""},
		{"abc", "(a)(b)(c)", 3, "a b c"}, {"abc", "((a)(bc))", 3, "abc a bc"},
	} {
		m := New(tt.src, tt.pat, 1000)
		end, err := m.At(0)
		if err != nil || end != tt.end {
			t.Errorf("%q on %q: got %d, %v; want %d", tt.pat, tt.src, end, err, tt.end)
			continue
		}
		var got []string
		for i := 0; end >= 0 && i < m.Captures(); i++ {
			c, err := m.Capture(i, 0, end)
			if err != nil {
				t.Error(err)
			}
			got = append(got, c.Text)
		}
		if s := strings.Join(got, " "); s != tt.captures {
			t.Errorf("%q on %q: captured %q, want %q", tt.pat, tt.src, s, tt.captures)
		}
	}
}

func TestErrors(t *testing.T) {
	for pat, want := range map[string]error{
		"[": ErrSet, "[a": ErrSet, "[]": ErrSet, "[^": ErrSet, "[%": ErrSet, "%": ErrEscape, "(": ErrUnfinished, ")": ErrPatternCapture,
		"%1": ErrCapture, "(%1)": ErrCapture, "%b": ErrBalance, "%bx": ErrBalance, "%fa": ErrFrontier, "%f": ErrFrontier,
		strings.Repeat("()", 33): ErrTooManyCaptures, strings.Repeat("a?", 6000): ErrComplex,
	} {
		m := New(strings.Repeat("a", 7000), pat, 1_000_000)
		end, err := m.At(0)
		for i := 0; err == nil && i < m.Captures(); i++ {
			_, err = m.Capture(i, 0, end)
		}
		if !errors.Is(err, want) {
			t.Errorf("%.20q: got %d, %v; want %v", pat, end, err, want)
		}
	}
}

// The work is bounded, whatever the pattern.
func TestSteps(t *testing.T) {
	src := strings.Repeat("a", 10_000)
	for _, pat := range []string{".-.-.-b", ".*.*.*b", "[a-z]*[a-z]*b", "%b()%b()", "(.-)%1b"} {
		m := New(src, pat, 100_000)
		if _, err := m.At(0); err != nil && !errors.Is(err, ErrSteps) {
			t.Errorf("%s: %v", pat, err)
		}
		if m.Steps < -20_000 {
			t.Errorf("%s: %d steps too many", pat, -m.Steps)
		}
	}
}

func FuzzAt(f *testing.F) {
	f.Add("hello (world)", "(%w+) %b()", 0)
	f.Add("a]b", "[]%]]-$", 1)
	f.Fuzz(func(t *testing.T, src, pat string, pos int) {
		if pos < 0 || pos > len(src) {
			return
		}
		m := New(src, pat, 10_000)
		end, err := m.At(pos)
		if err != nil || end < 0 {
			return
		}
		if end < pos || end > len(src) {
			t.Fatalf("%q on %q from %d: ends at %d", pat, src, pos, end)
		}
		for i := range m.Captures() {
			m.Capture(i, pos, end)
		}
	})
}
