package fsm

import (
	"fmt"
	"io"
	"slices"
	"strings"
)

// A longString is how a key holds a string of longFrom bytes or more once a
// command has changed a part of it: in parts of some kilobytes, so that a change
// costs what it changes. Parts are shared with frozen views as those of containers
// are. Only the bytes are part of the value: that they are in parts is never seen,
// nor charged for, nor encoded, and a node that restores a snapshot has them in
// one piece.
//
// Bytes that nobody has changed are still those of the string that was there
// before, which is kept for them as a whole.
type longString struct {
	pages []*stringPage // all full, save for the last
	n     int           // bytes
	epoch uint64
}

const (
	longFrom = 16 << 10       // the size from which on changes are made in parts
	partSize = 4 << 10        // of a part that is full, in bytes
	pageSize = 128 * partSize // of a page
)

// A stringPage is up to pageSize bytes, in one piece or in parts.
type stringPage struct {
	whole string        // never changed; empty where there are parts
	parts []*stringPart // all full, save for the last
	epoch uint64
}

// A stringPart is up to partSize bytes: its own, or a piece of an older string.
type stringPart struct {
	old   string
	own   []byte // instead of old; with room for partSize bytes
	epoch uint64
}

// Bytes that fill gaps.
var (
	zeroPart [partSize]byte
	zeroPage = strings.Repeat("\x00", pageSize)
)

func newLongString(s string, epoch uint64) *longString {
	l := &longString{n: len(s), epoch: epoch}
	for len(s) > 0 {
		n := min(len(s), pageSize)
		l.pages = append(l.pages, &stringPage{whole: s[:n], epoch: epoch})
		s = s[n:]
	}
	return l
}

func (l *longString) clone(epoch uint64) container {
	return &longString{pages: slices.Clone(l.pages), n: l.n, epoch: epoch}
}

func (l *longString) size() int { return l.n }

func (l *longString) bytes() int { return l.n }

// page returns page i, no longer shared and in parts.
func (l *longString) page(i int) *stringPage {
	pg := l.pages[i]
	if pg.epoch != l.epoch {
		pg = &stringPage{whole: pg.whole, parts: slices.Clone(pg.parts), epoch: l.epoch}
		l.pages[i] = pg
	}
	if pg.whole != "" {
		pg.split()
	}
	return pg
}

// split makes parts of a page that is in one piece and not shared.
func (pg *stringPage) split() {
	parts := make([]stringPart, (len(pg.whole)+partSize-1)/partSize)
	pg.parts = make([]*stringPart, len(parts))
	for i := range parts {
		from := i * partSize
		parts[i].old = pg.whole[from:min(from+partSize, len(pg.whole))]
		pg.parts[i] = &parts[i]
	}
	pg.whole = ""
}

// part returns the part in which the byte at a place is, or is to be appended. It
// is no longer shared, and has bytes of its own.
func (l *longString) part(at int) *stringPart {
	pg := l.page(at / pageSize)
	i := at % pageSize / partSize
	p := pg.parts[i]
	if p.own == nil || p.epoch != l.epoch {
		own := append(make([]byte, 0, partSize), p.old...)
		p = &stringPart{own: append(own, p.own...), epoch: l.epoch}
		pg.parts[i] = p
	}
	return p
}

// put overwrites bytes from a place on. They must be there.
func (l *longString) put(at int, b []byte) {
	for len(b) > 0 {
		n := copy(l.part(at).own[at%partSize:], b)
		b = b[n:]
		at += n
	}
}

func (l *longString) append(b []byte) {
	for len(b) > 0 {
		if l.n%pageSize == 0 {
			l.pages = append(l.pages, &stringPage{epoch: l.epoch})
		}
		if l.n%partSize == 0 {
			pg := l.page(l.n / pageSize)
			pg.parts = append(pg.parts, &stringPart{own: make([]byte, 0, partSize), epoch: l.epoch})
		}
		p := l.part(l.n)
		n := min(len(b), partSize-len(p.own))
		p.own = append(p.own, b[:n]...)
		l.n += n
		b = b[n:]
	}
}

// extend appends zeros until there are n bytes. Whole pages of them take no memory.
func (l *longString) extend(n int) {
	for l.n < n {
		gap := n - l.n
		if l.n%pageSize == 0 {
			gap = min(gap, pageSize)
			l.pages = append(l.pages, &stringPage{whole: zeroPage[:gap], epoch: l.epoch})
			l.n += gap
		} else {
			l.append(zeroPart[:min(gap, partSize-l.n%partSize)])
		}
	}
}

// patch overwrites bytes from a place on, and adds what is not there.
func (l *longString) patch(at int, b []byte) {
	l.extend(at)
	within := min(len(b), l.n-at)
	l.put(at, b[:within])
	l.append(b[within:])
}

// run returns the bytes from a place on as far as they are in one piece, of one
// type or the other. The place must be within the string.
func (l *longString) run(at int) (s string, b []byte) {
	pg := l.pages[at/pageSize]
	if at %= pageSize; pg.whole != "" {
		return pg.whole[at:], nil
	}
	p := pg.parts[at/partSize]
	if at %= partSize; p.own != nil {
		return "", p.own[at:]
	}
	return p.old[at:], nil
}

// writeTo writes the bytes from one place to another. A writer that can fail keeps
// its error.
func (l *longString) writeTo(w interface {
	io.Writer
	io.StringWriter
}, from, to int) {
	for from < to {
		s, b := l.run(from)
		s, b = s[:min(len(s), to-from)], b[:min(len(b), to-from)]
		w.WriteString(s)
		w.Write(b)
		from += len(s) + len(b)
	}
}

// encode writes what encoder.string writes of the same bytes.
func (l *longString) encode(e *encoder) {
	e.uvarint(uint64(l.n))
	l.writeTo(e.w, 0, l.n)
}

func (l *longString) check() error {
	n := 0
	for i, pg := range l.pages {
		inPage := len(pg.whole)
		for j, p := range pg.parts {
			size := len(p.old) + len(p.own)
			inPage += size
			switch {
			case pg.whole != "" || p.old != "" && p.own != nil:
				return fmt.Errorf("part %d of page %d is there twice", j, i)
			case size == 0 || size > partSize || size < partSize && j < len(pg.parts)-1:
				return fmt.Errorf("part %d of page %d has %d bytes", j, i, size)
			case p.epoch > pg.epoch:
				return fmt.Errorf("part %d of page %d is newer than its page", j, i)
			}
		}
		switch {
		case inPage == 0 || inPage > pageSize || inPage < pageSize && i < len(l.pages)-1:
			return fmt.Errorf("page %d has %d bytes", i, inPage)
		case pg.epoch > l.epoch:
			return fmt.Errorf("page %d is newer than its string", i)
		}
		n += inPage
	}
	if n != l.n || n < longFrom {
		return fmt.Errorf("a long string counts %d bytes, and has %d", l.n, n)
	}
	return nil
}
