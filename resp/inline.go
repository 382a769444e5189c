package resp

// splitWords finds the words of an inline command by Redis's rules: "..." knows
// escapes, '...' only that of the quote itself, and a closing quote must end
// the word. It reports whether all quotes are closed.
//
// A word without its quotes and escapes is never longer than with them, so it is
// written over itself in line: no memory is needed.
func (c *command) splitWords(line []byte) bool {
	for i := 0; ; {
		for i < len(line) && isSpace(line[i]) {
			i++
		}
		if i == len(line) {
			return true
		}
		from := i
		to, next, ok := word(line, i)
		if !ok {
			return false
		}
		c.args = append(c.args, span{from, to})
		i = next
	}
}

// word decodes the word that starts at line[i] in place, and returns where the
// decoded form ends and where the line goes on.
func word(line []byte, i int) (to, next int, ok bool) {
	to = i
	for i < len(line) {
		switch ch := line[i]; ch {
		case ' ', '\n', '\r', '\t':
			return to, i, true
		case '"', '\'':
			to, i, ok = quoted(line, to, i+1, ch)
			if !ok || i < len(line) && !isSpace(line[i]) {
				return 0, 0, false
			}
			// A closing quote ends the word, even ahead of \v or \f.
			return to, i, true
		default:
			line[to] = ch
			to++
			i++
		}
	}
	return to, i, true
}

// quoted decodes what stands between quotes from line[i] on, and writes it from
// line[to] on.
func quoted(line []byte, to, i int, quote byte) (int, int, bool) {
	for i < len(line) {
		ch := line[i]
		switch {
		case ch == quote:
			return to, i + 1, true
		case ch == '\\' && quote == '"' && i+1 < len(line):
			ch, i = escape(line, i+1)
		case ch == '\\' && i+1 < len(line) && line[i+1] == '\'':
			ch = '\''
			i += 2
		default:
			i++
		}
		line[to] = ch
		to++
	}
	return 0, 0, false
}

// escape decodes what follows a backslash at line[i], and returns the byte it
// stands for and where the line goes on.
func escape(line []byte, i int) (byte, int) {
	if line[i] == 'x' && i+2 < len(line) {
		hi, ok1 := hexDigit(line[i+1])
		lo, ok2 := hexDigit(line[i+2])
		if ok1 && ok2 {
			return hi<<4 | lo, i + 3
		}
	}
	switch line[i] {
	case 'n':
		return '\n', i + 1
	case 'r':
		return '\r', i + 1
	case 't':
		return '\t', i + 1
	case 'b':
		return '\b', i + 1
	case 'a':
		return '\a', i + 1
	}
	return line[i], i + 1
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case c >= '0' && c <= '9':
		return c - '0', true
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10, true
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10, true
	}
	return 0, false
}

func isSpace(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
