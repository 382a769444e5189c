// Package glob matches the glob-style patterns of Redis.
package glob

import "math"

// Match reports whether s matches a glob-style pattern as Redis understands
// it: * ? [a-z] [^a-z] and \ before a character that means itself. Its cost is
// bounded by the product of both lengths; see Count.
func Match(pattern, s string) bool {
	ok, _ := Count(pattern, s, math.MaxInt)
	return ok
}

// perStep is how many characters of the pattern a step of package cost compares.
const perStep = 4

// Count is Match, and tells how many steps of work it was. It gives up, and
// reports false, once these are more than the limit.
func Count(pattern, s string, limit int) (ok bool, steps int) {
	work := 0
	p, i := 0, 0
	star, from := -1, 0 // where to go back to: after the last *, and what it took
	for i < len(s) {
		if work++; work/perStep > limit {
			break
		}
		if p < len(pattern) && pattern[p] == '*' {
			p++
			star, from = p, i
			continue
		}
		if p < len(pattern) {
			ok, size := matchOne(pattern[p:], s[i])
			work += size // a class may be long
			if ok {
				p += size
				i++
				continue
			}
		}
		if star < 0 {
			return false, work / perStep
		}
		from++
		p, i = star, from
	}
	work += len(pattern) - p
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return i == len(s) && p == len(pattern), work / perStep
}

// matchOne matches one character against the head of pattern, and returns the
// head's size.
func matchOne(pattern string, c byte) (ok bool, size int) {
	switch pattern[0] {
	case '?':
		return true, 1
	case '[':
		return matchClass(pattern, c)
	case '\\':
		if len(pattern) > 1 {
			return pattern[1] == c, 2
		}
	}
	return pattern[0] == c, 1
}

// matchClass matches c against a class such as [a-c]. One without an end ends
// with the pattern.
func matchClass(pattern string, c byte) (ok bool, size int) {
	i := 1
	negated := i < len(pattern) && pattern[i] == '^'
	if negated {
		i++
	}
	found := false
	for i < len(pattern) && pattern[i] != ']' {
		switch {
		case pattern[i] == '\\' && i+1 < len(pattern):
			i++
			found = found || pattern[i] == c
			i++
		case i+2 < len(pattern) && pattern[i+1] == '-':
			low, high := pattern[i], pattern[i+2]
			if low > high {
				low, high = high, low
			}
			found = found || low <= c && c <= high
			i += 3
		default:
			found = found || pattern[i] == c
			i++
		}
	}
	if i < len(pattern) {
		i++ // the closing bracket
	}
	return found != negated, i
}
