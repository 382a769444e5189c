// Package pattern matches the patterns of Lua 5.1, with a bound on the work.
//
// A [Matcher] tries one pattern on one string. The positions it deals in count
// bytes from 0. Its invariant: the work it does is the same for the same input,
// on every machine, and is never more than Steps allows.
package pattern

import "errors"

// MaxCaptures is the number of captures that a pattern may have.
const MaxCaptures = 32

// maxDepth bounds the recursion; only absurd patterns come near.
const maxDepth = 5000

// The reasons why a pattern is refused, in Lua's words.
var (
	ErrTooManyCaptures = errors.New("too many captures")
	ErrCapture         = errors.New("invalid capture index")
	ErrPatternCapture  = errors.New("invalid pattern capture")
	ErrUnfinished      = errors.New("unfinished capture")
	ErrEscape          = errors.New("malformed pattern (ends with '%')")
	ErrSet             = errors.New("malformed pattern (missing ']')")
	ErrBalance         = errors.New("unbalanced pattern")
	ErrFrontier        = errors.New("missing '[' after '%f' in pattern")
	ErrComplex         = errors.New("pattern too complex")
	// ErrSteps means that the matcher has done all the work it was allowed.
	ErrSteps = errors.New("pattern takes too long")
)

const (
	openCapture     = -1
	positionCapture = -2
)

// A Matcher holds a string, a pattern, and what the last match captured.
type Matcher struct {
	Steps int // how much work is left

	src, pat string
	captures [MaxCaptures]span
	level    int
	depth    int
}

// A span is a capture: where it starts and how long it is.
type span struct{ start, size int }

// New returns a matcher of pattern pat, without its anchor, on src.
func New(src, pat string, steps int) *Matcher {
	return &Matcher{Steps: steps, src: src, pat: pat}
}

// At tries the pattern at a position and returns where the match ends, or -1.
// The error is one of this package's.
func (m *Matcher) At(pos int) (end int, err error) {
	defer func() {
		if p := recover(); p != nil {
			f, ok := p.(failure)
			if !ok {
				panic(p)
			}
			err = f.error
		}
	}()
	m.level, m.depth = 0, 0
	return m.match(pos, 0), nil
}

// A failure carries an error out of the recursion.
type failure struct{ error }

func fail(err error) { panic(failure{err}) }

// Captures returns how many captures the last match has.
func (m *Matcher) Captures() int { return m.level }

// A Capture is a part of the string, or a position in it.
type Capture struct {
	Text     string
	Position int // counts from 1; 0 for a text
}

// Capture returns capture i, counting from 0, of a match from start to end. The
// whole match stands for capture 0 of a pattern without captures.
func (m *Matcher) Capture(i, start, end int) (Capture, error) {
	if i >= m.level {
		if i == 0 {
			return Capture{Text: m.src[start:end]}, nil
		}
		return Capture{}, ErrCapture
	}
	switch c := m.captures[i]; c.size {
	case openCapture:
		return Capture{}, ErrUnfinished
	case positionCapture:
		return Capture{Position: c.start + 1}, nil
	default:
		return Capture{Text: m.src[c.start : c.start+c.size]}, nil
	}
}

// step counts a piece of work.
func (m *Matcher) step() {
	if m.Steps--; m.Steps < 0 {
		fail(ErrSteps)
	}
}

// match matches the pattern from p at s and returns the end, or -1.
func (m *Matcher) match(s, p int) int {
	if m.depth++; m.depth > maxDepth {
		fail(ErrComplex)
	}
	defer func() { m.depth-- }()
	for {
		m.step()
		if p == len(m.pat) {
			return s
		}
		switch m.pat[p] {
		case '(':
			if p+1 < len(m.pat) && m.pat[p+1] == ')' {
				return m.open(s, p+2, positionCapture)
			}
			return m.open(s, p+1, openCapture)
		case ')':
			return m.close(s, p+1)
		case '$':
			if p+1 == len(m.pat) {
				if s == len(m.src) {
					return s
				}
				return -1
			}
		case '%':
			end, next, special := m.escape(s, p)
			if special {
				if end < 0 {
					return -1
				}
				s, p = end, next
				continue
			}
		}
		end, next, done := m.item(s, p)
		if done {
			return end
		}
		s, p = end, next
	}
}

// item matches a single class and the repetition after it. Where done is false,
// the match goes on at end and next.
func (m *Matcher) item(s, p int) (end, next int, done bool) {
	ep := m.classEnd(p)
	here := s < len(m.src) && m.single(m.src[s], p, ep)
	if ep < len(m.pat) {
		switch m.pat[ep] {
		case '?':
			if here {
				if end := m.match(s+1, ep+1); end >= 0 {
					return end, 0, true
				}
			}
			return s, ep + 1, false
		case '*':
			return m.longest(s, p, ep), 0, true
		case '+':
			if !here {
				return -1, 0, true
			}
			return m.longest(s+1, p, ep), 0, true
		case '-':
			return m.shortest(s, p, ep), 0, true
		}
	}
	if !here {
		return -1, 0, true
	}
	return s + 1, ep, false
}

// longest matches as many of a class as possible, then the rest.
func (m *Matcher) longest(s, p, ep int) int {
	n := 0
	for s+n < len(m.src) && m.single(m.src[s+n], p, ep) {
		m.step()
		n++
	}
	for ; n >= 0; n-- {
		if end := m.match(s+n, ep+1); end >= 0 {
			return end
		}
	}
	return -1
}

// shortest matches as few of a class as possible, then the rest.
func (m *Matcher) shortest(s, p, ep int) int {
	for {
		if end := m.match(s, ep+1); end >= 0 {
			return end
		}
		if s >= len(m.src) || !m.single(m.src[s], p, ep) {
			return -1
		}
		s++
	}
}

func (m *Matcher) open(s, p, size int) int {
	if m.level >= MaxCaptures {
		fail(ErrTooManyCaptures)
	}
	m.captures[m.level] = span{s, size}
	m.level++
	end := m.match(s, p)
	if end < 0 {
		m.level--
	}
	return end
}

func (m *Matcher) close(s, p int) int {
	at := -1
	for i := m.level - 1; i >= 0 && at < 0; i-- {
		if m.captures[i].size == openCapture {
			at = i
		}
	}
	if at < 0 {
		fail(ErrPatternCapture)
	}
	m.captures[at].size = s - m.captures[at].start
	end := m.match(s, p)
	if end < 0 {
		m.captures[at].size = openCapture
	}
	return end
}

// escape handles what %b, %f and %1 to %9 mean at p. Other escapes are classes,
// and not special.
func (m *Matcher) escape(s, p int) (end, next int, special bool) {
	if p+1 >= len(m.pat) {
		return 0, 0, false // classEnd will complain
	}
	switch c := m.pat[p+1]; {
	case c == 'b':
		return m.balance(s, p+2), p + 4, true
	case c == 'f':
		p += 2
		if p >= len(m.pat) || m.pat[p] != '[' {
			fail(ErrFrontier)
		}
		ep := m.classEnd(p)
		var before, here byte
		if s > 0 {
			before = m.src[s-1]
		}
		if s < len(m.src) {
			here = m.src[s]
		}
		if m.set(before, p, ep-1) || !m.set(here, p, ep-1) {
			return -1, 0, true
		}
		return s, ep, true
	case c >= '0' && c <= '9':
		return m.backReference(s, c), p + 2, true
	}
	return 0, 0, false
}

func (m *Matcher) balance(s, p int) int {
	if p+1 >= len(m.pat) {
		fail(ErrBalance)
	}
	if s >= len(m.src) || m.src[s] != m.pat[p] {
		return -1
	}
	begin, end, nested := m.pat[p], m.pat[p+1], 1
	for i := s + 1; i < len(m.src); i++ {
		m.step()
		switch m.src[i] {
		case end:
			if nested--; nested == 0 {
				return i + 1
			}
		case begin:
			nested++
		}
	}
	return -1
}

func (m *Matcher) backReference(s int, digit byte) int {
	i := int(digit) - '1'
	if i < 0 || i >= m.level || m.captures[i].size == openCapture {
		fail(ErrCapture)
	}
	c := m.captures[i]
	if c.size < 0 || len(m.src)-s < c.size || m.src[c.start:c.start+c.size] != m.src[s:s+c.size] {
		return -1
	}
	m.Steps -= c.size / 16
	return s + c.size
}
