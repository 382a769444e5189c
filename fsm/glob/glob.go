// Package glob matches the glob-style patterns of Redis.
package glob

// Match reports whether s matches a glob-style pattern as Redis understands
// it: * ? [a-z] [^a-z] and \ before a character that means itself. Its cost is
// bounded by the product of both lengths.
func Match(pattern, s string) bool {
	p, i := 0, 0
	star, from := -1, 0 // where to go back to: after the last *, and what it took
	for i < len(s) {
		if p < len(pattern) && pattern[p] == '*' {
			p++
			star, from = p, i
			continue
		}
		if p < len(pattern) {
			if ok, size := matchOne(pattern[p:], s[i]); ok {
				p += size
				i++
				continue
			}
		}
		if star < 0 {
			return false
		}
		from++
		p, i = star, from
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
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
