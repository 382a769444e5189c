package fsm

import (
	"math"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// A trimming says which of the oldest entries go.
type trimming struct {
	by     trimBy
	approx bool
	maxLen int64
	minID  streamID
	limit  int64 // entries to remove at most; negative for any number
}

type trimBy uint8

const (
	trimNone trimBy = iota
	trimMaxLen
	trimMinID
)

// excess returns how many of the first n entries of s are to go; n is no more
// than the first chunk has.
func (t *trimming) excess(s *stream) int {
	switch first := s.pages[0].chunks[0]; {
	case t.by == trimMaxLen && t.maxLen < int64(s.n):
		return int(min(int64(s.n)-t.maxLen, int64(len(first.entries))))
	case t.by == trimMinID:
		return first.find(t.minID)
	}
	return 0
}

// due reports whether an entry of s is to go.
func (t *trimming) due(s *stream) bool { return t.limit != 0 && s.n > 0 && t.excess(s) > 0 }

// run removes entries of s and returns their number. Redis, when asked for ~,
// removes whole nodes; here the wanted number goes, up to the limit.
func (t *trimming) run(tx *Tx, s *stream) int64 {
	gone := int64(0)
	for s.n > 0 && gone != t.limit {
		n := t.excess(s)
		if t.limit > 0 {
			n = int(min(int64(n), t.limit-gone))
		}
		if n == 0 {
			break
		}
		for _, e := range s.pages[0].chunks[0].entries[:n] {
			tx.charge(cost.Element + len(e.fields)/4)
		}
		s.dropFront(n)
		gone += int64(n)
	}
	return gone
}

// A trimParser reads the options that XADD and XTRIM share.
type trimParser struct {
	trimming
	limited bool
}

// option parses one at the start of args, and returns how many arguments it
// took: 0 where it is none.
func (p *trimParser) option(args [][]byte) (n int, fail resp.Value) {
	var ok bool
	switch {
	case len(args) < 2:
	case equalFold(args[0], "MAXLEN"), equalFold(args[0], "MINID"):
		return p.strategy(args)
	case equalFold(args[0], "LIMIT"):
		if p.limit, ok = parseInt(args[1]); !ok {
			return 0, errNotInteger
		} else if p.limit < 0 {
			return 0, errTrimLimit
		}
		p.limited = true
		return 2, resp.Nil
	}
	return 0, resp.Nil
}

func (p *trimParser) strategy(args [][]byte) (n int, fail resp.Value) {
	if p.by != trimNone {
		return 0, errTrimTwice
	}
	at, ok := 1, false
	if sign := string(args[1]); len(args) > 2 && (sign == "~" || sign == "=") {
		p.approx = sign == "~"
		at = 2
	}
	if equalFold(args[0], "MAXLEN") {
		p.by = trimMaxLen
		if p.maxLen, ok = parseInt(args[at]); !ok {
			return 0, errNotInteger
		} else if p.maxLen < 0 {
			return 0, errTrimMaxLen
		}
		return at + 1, resp.Nil
	}
	p.by = trimMinID
	if p.minID, ok = parseStreamID(args[at], 0); !ok {
		return 0, errStreamID
	}
	return at + 1, resp.Nil
}

// done returns what was parsed. No limit and one of 0 mean any number.
func (p *trimParser) done(wanted bool) (trimming, resp.Value) {
	switch {
	case p.limit > 0 && p.by == trimNone:
		return p.trimming, errTrimLimitAlone
	case wanted && p.by == trimNone:
		return p.trimming, errTrimNone
	case p.limited && !p.approx:
		return p.trimming, errTrimLimitExact
	case p.limit == 0:
		p.limit = -1
	}
	return p.trimming, resp.Nil
}

// parseXTrim parses: XTRIM key MAXLEN|MINID [=|~] threshold [LIMIT count].
func parseXTrim(args [][]byte) (trimming, resp.Value) {
	var p trimParser
	for rest := args[2:]; len(rest) > 0; {
		n, fail := p.option(rest)
		switch {
		case fail.IsError():
			return p.trimming, fail
		case n == 0:
			return p.trimming, errSyntax
		}
		rest = rest[n:]
	}
	return p.done(true)
}

// xaddOptions are what XADD takes after its key.
type xaddOptions struct {
	existing bool // NOMKSTREAM
	trim     trimming
	auto     bool // the ID is *
	autoSeq  bool // the ID is ms-*
	id       streamID
	fields   [][]byte
}

// parseXAdd parses: XADD key [NOMKSTREAM] [trimming] id field value ...
func parseXAdd(args [][]byte) (opt xaddOptions, fail resp.Value) {
	var p trimParser
	rest := args[2:]
	for len(rest) > 0 && string(rest[0]) != "*" {
		n, fail := p.option(rest)
		switch {
		case fail.IsError():
			return opt, fail
		case n == 0 && equalFold(rest[0], "NOMKSTREAM"):
			opt.existing = true
			n = 1
		}
		if n == 0 {
			break
		}
		rest = rest[n:]
	}
	if len(rest) > 0 {
		if fail := opt.parseID(rest[0]); fail.IsError() {
			return opt, fail
		}
	}
	if opt.trim, fail = p.done(false); fail.IsError() {
		return opt, fail
	}
	if len(rest) < 3 || len(rest)%2 == 0 {
		return opt, errArity("xadd")
	}
	if !opt.auto && !opt.autoSeq && opt.id == (streamID{}) {
		return opt, errStreamZero
	}
	opt.fields = rest[1:]
	return opt, resp.Nil
}

func (opt *xaddOptions) parseID(arg []byte) resp.Value {
	var ok bool
	n := len(arg)
	switch {
	case string(arg) == "*":
		opt.auto = true
		return resp.Nil
	case n > 2 && n <= maxIDText && string(arg[n-2:]) == "-*":
		opt.autoSeq = true
		opt.id.ms, ok = parseUint(arg[:n-2])
	default:
		opt.id, ok = parseStreamID(arg, 0)
	}
	if !ok {
		return errStreamID
	}
	return resp.Nil
}

// parseIDEnd reads an end of a range of XRANGE: its first ID, or its last.
func parseIDEnd(arg []byte, last bool) (id streamID, fail resp.Value) {
	seq, otherwise, step := uint64(0), errStreamStart, streamID.next
	if last {
		seq, otherwise, step = math.MaxUint64, errStreamEnd, streamID.before
	}
	ok := false
	switch {
	case string(arg) == "-":
		return streamID{}, resp.Nil
	case string(arg) == "+":
		return maxStreamID, resp.Nil
	case len(arg) > 1 && arg[0] == '(':
		if id, ok = parseStreamID(arg[1:], seq); ok {
			if id, ok = step(id); !ok {
				return id, otherwise
			}
		}
	default:
		id, ok = parseStreamID(arg, seq)
	}
	if !ok {
		return id, errStreamID
	}
	return id, resp.Nil
}
