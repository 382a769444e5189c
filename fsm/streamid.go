package fsm

import (
	"bytes"
	"math"
	"strconv"
)

// A streamID is the place of an entry in a stream: milliseconds, and a number
// among the entries of the same millisecond.
type streamID struct{ ms, seq uint64 }

var maxStreamID = streamID{math.MaxUint64, math.MaxUint64}

func (id streamID) less(other streamID) bool {
	return id.ms < other.ms || id.ms == other.ms && id.seq < other.seq
}

// next returns the ID that follows, and whether there is one.
func (id streamID) next() (streamID, bool) {
	switch {
	case id.seq < math.MaxUint64:
		return streamID{id.ms, id.seq + 1}, true
	case id.ms < math.MaxUint64:
		return streamID{id.ms + 1, 0}, true
	}
	return id, false
}

// before returns the ID ahead of this one, and whether there is one.
func (id streamID) before() (streamID, bool) {
	switch {
	case id.seq > 0:
		return streamID{id.ms, id.seq - 1}, true
	case id.ms > 0:
		return streamID{id.ms - 1, math.MaxUint64}, true
	}
	return id, false
}

func (id streamID) String() string {
	b := strconv.AppendUint(make([]byte, 0, 24), id.ms, 10)
	return string(strconv.AppendUint(append(b, '-'), id.seq, 10))
}

const maxIDText = 127 // bytes of an ID that Redis reads

// parseStreamID reads ms-seq, or ms alone, whose seq is then the given one.
func parseStreamID(arg []byte, seq uint64) (id streamID, ok bool) {
	if len(arg) > maxIDText {
		return id, false
	}
	ms, rest, both := bytes.Cut(arg, []byte("-"))
	if id.ms, ok = parseUint(ms); !ok {
		return id, false
	}
	if id.seq = seq; both {
		id.seq, ok = parseUint(rest)
	}
	return id, ok
}

// parseUint reads a number as loosely as Redis reads those of an ID: zeros and a
// plus sign may lead.
func parseUint(b []byte) (uint64, bool) {
	if len(b) > 1 && b[0] == '+' {
		b = b[1:]
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
	}
	n, err := strconv.ParseUint(string(b), 10, 64)
	return n, err == nil
}
