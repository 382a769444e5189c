package fsm

import (
	"bytes"
	"strings"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// A text is the string that a key holds, however it is kept. Who reads strings
// does it by this. The zero text is empty.
type text struct {
	s    string
	long *longString // instead of s
}

// text returns the string that o holds; that of nil is empty.
func (o *object) text() text {
	if o == nil {
		return text{}
	}
	if o.val != nil {
		if l, ok := o.val.(*longString); ok {
			return text{long: l}
		}
	}
	return text{s: o.str}
}

// setText makes o, which may be changed, hold a string.
func (o *object) setText(s string) { o.str, o.val, o.kind = s, nil, kindString }

func (t text) len() int {
	if t.long != nil {
		return t.long.n
	}
	return len(t.s)
}

// at returns the byte at a place within the text.
func (t text) at(i int) byte {
	if t.long == nil {
		return t.s[i]
	}
	if s, b := t.long.run(i); b != nil {
		return b[0]
	} else {
		return s[0]
	}
}

// copy fills dst with the bytes from a place on, and returns how many there are.
func (t text) copy(dst []byte, at int) (n int) {
	if t.long == nil {
		return copy(dst, t.s[min(at, len(t.s)):])
	}
	for n < len(dst) && at+n < t.long.n {
		s, b := t.long.run(at + n)
		n += copy(dst[n:], s) + copy(dst[n:], b)
	}
	return n
}

// holds reports whether the bytes from a place on are those of b.
func (t text) holds(b []byte, at int) bool {
	if at+len(b) > t.len() {
		return false
	}
	if t.long == nil {
		return t.s[at:at+len(b)] == string(b)
	}
	for len(b) > 0 {
		s, own := t.long.run(at)
		n := min(len(b), len(s)+len(own))
		if own == nil && s[:n] != string(b[:n]) || own != nil && !bytes.Equal(own[:n], b[:n]) {
			return false
		}
		at += n
		b = b[n:]
	}
	return true
}

// cut returns the bytes from one place to another. It takes memory for them where
// they are in parts, see Tx.flat.
func (t text) cut(from, to int) string {
	if t.long == nil {
		return t.s[from:to]
	}
	var b strings.Builder
	b.Grow(to - from)
	t.long.writeTo(&b, from, to)
	return b.String()
}

// string returns the whole text, as cut does.
func (t text) string() string { return t.cut(0, t.len()) }

// head returns the first n bytes, or all where there are fewer.
func (t text) head(n int) string { return t.cut(0, min(n, t.len())) }

// encode writes what encoder.string writes of the same bytes.
func (t text) encode(e *encoder) {
	if t.long != nil {
		t.long.encode(e)
		return
	}
	e.string(t.s)
}

// flat returns a part of a text in one piece. It charges for a long one as if all
// were in parts, for what a command costs follows from the value alone.
func (tx *Tx) flat(t text, from, to int) string {
	if t.long == nil && len(t.s) < longFrom {
		return t.s[from:to]
	}
	tx.charge(cost.Made(to - from))
	return t.cut(from, to)
}

// textAt returns the string at a key, an empty one where there is none.
func textAt(tx *Tx, key []byte) (t text, exists bool, fail resp.Value) {
	o := tx.get(key)
	if !isString(o) {
		return text{}, true, errWrongType
	}
	return o.text(), o != nil, resp.Nil
}

// putText makes a key hold s, and keeps its deadline.
func (tx *Tx) putText(key []byte, s string) {
	o := tx.get(key)
	if o == nil {
		tx.put(key, &object{str: s})
		return
	}
	tx.edit(key, o).setText(s)
}

// patch overwrites a string from a place on, with zeros before that where it is
// shorter, and keeps its deadline. The key holds o, or nothing. patch returns how
// long the string is then.
func (tx *Tx) patch(key []byte, o *object, at int, b []byte) int {
	t := o.text()
	n := max(t.len(), at+len(b))
	tx.charge(cost.Made(n-t.len()+len(b)) + cost.Read(min(n, partSize)))
	switch {
	case n < longFrom && o == nil:
		tx.put(key, &object{str: spliced("", at, b)})
	case n < longFrom:
		tx.edit(key, o).setText(spliced(t.s, at, b))
	case o == nil:
		l := newLongString("", tx.st.epoch)
		l.patch(at, b)
		tx.put(key, &object{val: l})
	default:
		tx.edit(key, o).inParts(tx.st.epoch).patch(at, b)
	}
	return n
}

// inParts returns the string of o, which may be changed, to be changed in parts.
// It must become a long one.
func (o *object) inParts(epoch uint64) *longString {
	l := o.text().long
	if l == nil {
		l = newLongString(o.str, epoch)
		o.str, o.val = "", l
	}
	o.kind = kindString
	return l
}

// spliced returns s with b at a place; zeros fill the gap before it.
func spliced(s string, at int, b []byte) string {
	var all strings.Builder
	all.Grow(max(len(s), at+len(b)))
	all.WriteString(s[:min(at, len(s))])
	all.WriteString(zeroPage[:max(at-len(s), 0)])
	all.Write(b)
	if end := at + len(b); end < len(s) {
		all.WriteString(s[end:])
	}
	return all.String()
}
