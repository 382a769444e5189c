package resp

import "bytes"

// A command is a request as far as it is parsed. All positions count from its
// first byte, so that the buffer may move under it. Nothing is looked at twice:
// a large request that arrives in pieces costs no more than one that is there.
type command struct {
	pos  int    // what lies before it is parsed
	scan int    // the line at pos does not end before it
	left int    // arguments to come
	bulk int    // length of the argument at pos; -1 ahead of its header
	args []span // arguments parsed
}

// A span is where an argument lies.
type span struct{ from, to int }

func newCommand() command { return command{bulk: -1} }

// reset makes c ready for the next request; it keeps the memory of args.
func (c *command) reset() { *c = command{bulk: -1, args: c.args[:0]} }

// begun reports whether c is within a request.
func (c *command) begun() bool { return c.pos > 0 || c.scan > 0 }

// want returns how long the request is at least, 0 if that is not known.
func (c *command) want() int {
	if c.bulk < 0 {
		return 0
	}
	return c.pos + c.bulk + 2
}

// parse goes on with the request that starts at b[0], and reports whether it is
// whole. b holds at least what it held at the last call.
func (c *command) parse(b []byte, lim *Limits) (bool, error) {
	if c.pos == 0 {
		if len(b) == 0 {
			return false, nil
		}
		if b[0] != '*' {
			return c.parseInline(b, lim)
		}
		n, ok, err := c.header(b, lim, errMultibulkLength, errLongMultibulk)
		if !ok || err != nil {
			return false, err
		}
		if n > int64(lim.Args) {
			if lim.Guest {
				return false, errGuestMultibulk
			}
			return false, errMultibulkLength
		}
		c.left = int(max(n, 0)) // Redis takes *-7 as *0
	}
	for c.left > 0 {
		if c.bulk < 0 {
			if ok, err := c.bulkHeader(b, lim); !ok || err != nil {
				return false, err
			}
		}
		end := c.pos + c.bulk
		if len(b)-2 < end {
			return false, nil
		}
		// Like Redis, we do not look at the two bytes behind the string.
		c.args = append(c.args, span{c.pos, end})
		c.pos, c.scan = end+2, end+2
		c.bulk = -1
		c.left--
	}
	return true, nil
}

// bulkHeader reads the header of the argument at pos, if it is there.
func (c *command) bulkHeader(b []byte, lim *Limits) (bool, error) {
	if c.pos >= len(b) {
		return false, nil
	}
	if b[c.pos] != '$' {
		return false, errExpected(b[c.pos])
	}
	n, ok, err := c.header(b, lim, errBulkLength, errLongBulk)
	if !ok || err != nil {
		return false, err
	}
	switch {
	case n > int64(lim.Bulk) && lim.Guest:
		return false, errGuestBulk
	case n < 0 || n > int64(lim.Bulk):
		return false, errBulkLength
	}
	if n > int64(lim.Total)-int64(c.pos)-2 {
		return false, errTooBig
	}
	c.bulk = int(n)
	return true, nil
}

// header reads the number behind the mark at pos and moves pos behind the line.
// The line ends with CR and any byte, as Redis has it.
func (c *command) header(b []byte, lim *Limits, bad, long ProtocolError) (int64, bool, error) {
	// Nearly all headers are a few digits: no need to look for the end first.
	n := int64(0)
	for i := c.pos + 1; i < len(b)-1 && i < c.pos+10; i++ {
		if b[i] == '\r' && i > c.pos+1 {
			c.pos, c.scan = i+2, i+2
			return n, true, nil
		}
		d := b[i] - '0'
		if d > 9 || n == 0 && i > c.pos+1 { // a zero in front is wrong
			break
		}
		n = n*10 + int64(d)
	}

	c.scan = max(c.scan, c.pos)
	i := bytes.IndexByte(b[c.scan:], '\r')
	end := c.scan + i
	if i < 0 {
		end = len(b)
	}
	c.scan = end
	if end-c.pos > lim.Inline {
		return 0, false, long
	}
	if i < 0 || end+1 == len(b) {
		return 0, false, nil
	}
	n, ok := parseLength(b[c.pos+1 : end])
	if !ok {
		return 0, false, bad
	}
	c.pos, c.scan = end+2, end+2
	return n, true, nil
}

// parseInline reads a command typed by hand: words on one line.
func (c *command) parseInline(b []byte, lim *Limits) (bool, error) {
	i := bytes.IndexByte(b[c.scan:], '\n')
	end := c.scan + i
	if i < 0 {
		end = len(b)
	}
	c.scan = end
	if end > lim.Inline {
		return false, errLongInline
	}
	if i < 0 {
		return false, nil
	}
	c.pos = end + 1
	if !c.splitWords(b[:end]) { // to which a CR at the end is a space
		return false, errQuotes
	}
	return true, nil
}
