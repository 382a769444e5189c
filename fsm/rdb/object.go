package rdb

import (
	"fmt"
	"math"
)

// value reads a value of a type.
func (d *decoder) value(typ byte) (v Value) {
	switch typ {
	case typeString:
		v.Str = d.string()
	case typeList, typeListZiplist, typeQuicklist, typeQuicklist2:
		v.Kind = List
		d.list(&v, typ)
	case typeSet, typeSetIntset, typeSetListpack:
		v.Kind = Set
		d.set(&v, typ)
	case typeHash, typeHashZipmap, typeHashZiplist, typeHashListpack:
		v.Kind = Hash
		d.hash(&v, typ)
	case typeZSet, typeZSet2, typeZSetZiplist, typeZSetListpack:
		v.Kind = ZSet
		d.zset(&v, typ)
	case typeStreams, typeStreams2, typeStreams3:
		v.Kind = Streams
		v.Stream = d.stream(typ)
	default:
		if d.err == nil {
			d.err = unknownType(typ)
		}
	}
	return v
}

func unknownType(typ byte) error {
	if typ == typeModule {
		return fmt.Errorf("value of a module of Redis 4.0's beta versions: %w", ErrNewer)
	}
	return fmt.Errorf("value of type %d: %w", typ, ErrNewer)
}

// unpack reads a string that holds a compact encoding and appends its elements.
func (d *decoder) unpack(p *packing, elems []string) []string {
	b := d.blob()
	if d.err != nil {
		return elems
	}
	more, err := p.unpack(b, d.take)
	d.err = err
	if elems == nil {
		return more
	}
	return append(elems, more...)
}

// The forms of a quicklist's nodes.
const (
	nodePlain  = 1 // an element
	nodePacked = 2
)

func (d *decoder) list(v *Value, typ byte) {
	switch typ {
	case typeList:
		d.each(func() { v.Elems = append(v.Elems, d.string()) })
	case typeListZiplist:
		v.Elems = d.unpack(&ziplist, nil)
	case typeQuicklist:
		d.each(func() { v.Elems = d.unpack(&ziplist, v.Elems) })
	case typeQuicklist2:
		d.each(func() {
			switch form := d.length(); form {
			case nodePlain:
				v.Elems = append(v.Elems, d.string())
			case nodePacked:
				v.Elems = d.unpack(&listpack, v.Elems)
			default:
				d.fail("node of form %d in a list", form)
			}
		})
	}
}

func (d *decoder) set(v *Value, typ byte) {
	switch typ {
	case typeSet:
		d.each(func() { v.Elems = append(v.Elems, d.string()) })
	case typeSetListpack:
		v.Elems = d.unpack(&listpack, nil)
	case typeSetIntset:
		if b := d.blob(); d.err == nil {
			v.Elems, d.err = unpackInts(b, d.take)
		}
	}
}

func (d *decoder) hash(v *Value, typ byte) {
	switch typ {
	case typeHash:
		d.each(func() { v.Elems = append(v.Elems, d.string(), d.string()) })
	case typeHashZiplist:
		v.Elems = d.unpack(&ziplist, nil)
	case typeHashListpack:
		v.Elems = d.unpack(&listpack, nil)
	case typeHashZipmap:
		if b := d.blob(); d.err == nil {
			v.Elems, d.err = unpackZipmap(b, d.take)
		}
	}
	if len(v.Elems)%2 != 0 {
		d.fail("hash of %d fields and values", len(v.Elems))
	}
}

func (d *decoder) zset(v *Value, typ byte) {
	switch typ {
	case typeZSet:
		d.each(func() {
			v.Elems = append(v.Elems, d.string())
			v.Scores = append(v.Scores, d.scoreText())
		})
	case typeZSet2:
		d.each(func() {
			v.Elems = append(v.Elems, d.string())
			v.Scores = append(v.Scores, math.Float64frombits(d.fixed64()))
		})
	case typeZSetZiplist:
		d.splitScores(v, d.unpack(&ziplist, nil))
	case typeZSetListpack:
		d.splitScores(v, d.unpack(&listpack, nil))
	}
	for _, score := range v.Scores {
		if math.IsNaN(score) {
			d.fail("score that is not a number")
		}
	}
}

// splitScores takes members and scores in turn.
func (d *decoder) splitScores(v *Value, elems []string) {
	if len(elems)%2 != 0 {
		d.fail("sorted set of %d members and scores", len(elems))
		return
	}
	for i := 0; i < len(elems) && d.err == nil; i += 2 {
		v.Elems = append(v.Elems, elems[i])
		v.Scores = append(v.Scores, d.parseScore(elems[i+1]))
	}
}
