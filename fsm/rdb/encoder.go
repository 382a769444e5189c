package rdb

import (
	"encoding/binary"
	"math"
	"strconv"
)

// An encoder appends fields.
type encoder struct{ b []byte }

func (e *encoder) byte(b byte)      { e.b = append(e.b, b) }
func (e *encoder) fixed64(n uint64) { e.b = binary.LittleEndian.AppendUint64(e.b, n) }

func (e *encoder) length(n uint64) {
	switch {
	case n < 1<<6:
		e.byte(byte(n))
	case n < 1<<14:
		e.b = append(e.b, length14|byte(n>>8), byte(n))
	case n <= math.MaxUint32:
		e.b = binary.BigEndian.AppendUint32(append(e.b, lengthLong), uint32(n))
	default:
		e.b = binary.BigEndian.AppendUint64(append(e.b, lengthLong+1), n)
	}
}

// string writes a short integer as one, as Redis does, and all else as it is.
func (e *encoder) string(s string) {
	if n, ok := integer(s); ok && n == int64(int32(n)) {
		switch {
		case n == int64(int8(n)):
			e.b = append(e.b, lengthString+stringInt8, byte(n))
		case n == int64(int16(n)):
			e.b = binary.LittleEndian.AppendUint16(append(e.b, lengthString+stringInt16), uint16(n))
		default:
			e.b = binary.LittleEndian.AppendUint32(append(e.b, lengthString+stringInt32), uint32(n))
		}
		return
	}
	e.text(s)
}

func (e *encoder) text(s string) {
	e.length(uint64(len(s)))
	e.b = append(e.b, s...)
}

// integer returns the number of which s is the decimal form, if there is one.
func integer(s string) (int64, bool) {
	if len(s) == 0 || len(s) > 20 || s[0] > '9' || s[0] == '+' {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && decimal(n) == s
}

// types are those that values are written as: the plainest one of each kind.
// Redis chooses its own encoding when it loads them.
var types = map[Kind]byte{
	String: typeString, List: typeList, Set: typeSet, Hash: typeHash, ZSet: typeZSet2, Streams: typeStreams2,
}

func (e *encoder) value(v *Value) {
	switch v.Kind {
	case String:
		e.string(v.Str)
	case Hash:
		e.length(uint64(len(v.Elems) / 2))
		e.strings(v.Elems)
	case ZSet:
		e.length(uint64(len(v.Elems)))
		for i, s := range v.Elems {
			e.string(s)
			e.fixed64(math.Float64bits(v.Scores[i]))
		}
	case Streams:
		e.stream(v.Stream)
	default:
		e.length(uint64(len(v.Elems)))
		e.strings(v.Elems)
	}
}

func (e *encoder) strings(list []string) {
	for _, s := range list {
		e.string(s)
	}
}

// The size of a stream's nodes, as Redis has it where nothing is configured.
const (
	maxNodeEntries = 100
	maxNodeBytes   = 4096
)

func (e *encoder) stream(s *Stream) {
	var nodes [][]Entry
	rest := s.Entries
	for len(rest) > 0 {
		n := nodeSize(rest)
		nodes = append(nodes, rest[:n])
		rest = rest[n:]
	}
	e.length(uint64(len(nodes)))
	for _, entries := range nodes {
		e.length(16)
		e.rawID(entries[0].ID)
		e.text(string(packEntries(entries)))
	}
	e.length(uint64(len(s.Entries)))
	e.streamID(s.Last)
	first := ID{}
	if len(s.Entries) > 0 {
		first = s.Entries[0].ID
	}
	e.streamID(first)
	e.streamID(s.MaxDeleted)
	e.length(s.Added)
	e.length(uint64(len(s.Groups)))
	for i := range s.Groups {
		e.group(&s.Groups[i])
	}
}

// nodeSize returns how many entries go into the next node: one at least.
func nodeSize(entries []Entry) int {
	bytes := 0
	for i, entry := range entries {
		for _, f := range entry.Fields {
			bytes += len(f) + 2
		}
		if i > 0 && (i == maxNodeEntries || bytes > maxNodeBytes) {
			return i
		}
	}
	return len(entries)
}

func (e *encoder) streamID(id ID) {
	e.length(id.Ms)
	e.length(id.Seq)
}

func (e *encoder) rawID(id ID) {
	e.b = binary.BigEndian.AppendUint64(e.b, id.Ms)
	e.b = binary.BigEndian.AppendUint64(e.b, id.Seq)
}

func (e *encoder) group(g *Group) {
	e.text(g.Name)
	e.streamID(g.Last)
	e.length(uint64(g.Read))
	e.length(uint64(len(g.Pending)))
	of := make([][]ID, len(g.Consumers))
	for _, p := range g.Pending {
		e.rawID(p.ID)
		e.fixed64(uint64(p.Delivered))
		e.length(p.Count)
		of[p.Consumer] = append(of[p.Consumer], p.ID)
	}
	e.length(uint64(len(g.Consumers)))
	for i, c := range g.Consumers {
		e.text(c.Name)
		e.fixed64(uint64(c.Seen))
		e.length(uint64(len(of[i])))
		for _, id := range of[i] {
			e.rawID(id)
		}
	}
}
