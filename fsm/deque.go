package fsm

import (
	"fmt"
	"slices"
)

// A deque is a list: strings in chunks, and the chunks in pages. A clone copies
// the pages' addresses, one for some 16,000 elements; pages and chunks are
// shared until they change. Only the order of the elements is part of the
// value: how they are spread over chunks is never seen, nor encoded.
type deque struct {
	pages []*page
	n     int
	epoch uint64
	taken int // bytes, see memory.go
}

const (
	maxChunk = 128 // elements in a chunk
	maxPage  = 128 // chunks in a page
)

// A page is a run of chunks, never empty.
type page struct {
	chunks []*chunk
	n      int // elements
	epoch  uint64
}

// A chunk is a run of elements, never empty: buf[lo:hi]. The room around them
// lets both ends grow.
type chunk struct {
	buf    []string
	lo, hi int
	epoch  uint64
}

func (c *chunk) elems() []string { return c.buf[c.lo:c.hi] }

func newDeque(epoch uint64) *deque { return &deque{epoch: epoch} }

func (d *deque) size() int { return d.n }

func (d *deque) bytes() int { return d.taken }

// lose takes elements that go out of the sum of bytes.
func (d *deque) lose(elems ...string) {
	for _, s := range elems {
		d.taken -= elementOverhead + len(s)
	}
}

func (d *deque) clone(epoch uint64) container {
	return &deque{pages: slices.Clone(d.pages), n: d.n, epoch: epoch, taken: d.taken}
}

// page returns page p, no longer shared.
func (d *deque) page(p int) *page {
	pg := d.pages[p]
	if pg.epoch != d.epoch {
		pg = &page{chunks: slices.Clone(pg.chunks), n: pg.n, epoch: d.epoch}
		d.pages[p] = pg
	}
	return pg
}

// chunk returns chunk c of page p; both are no longer shared.
func (d *deque) chunk(p, c int) *chunk {
	pg := d.page(p)
	ch := pg.chunks[c]
	if ch.epoch != d.epoch {
		ch = &chunk{buf: slices.Clone(ch.buf), lo: ch.lo, hi: ch.hi, epoch: d.epoch}
		pg.chunks[c] = ch
	}
	return ch
}

func (d *deque) newChunk(elems ...string) *chunk {
	return &chunk{buf: elems, hi: len(elems), epoch: d.epoch}
}

// newPage returns a page of one empty chunk.
func (d *deque) newPage() *page {
	return &page{chunks: []*chunk{d.newChunk()}, epoch: d.epoch}
}

// move gives c a buffer of the given size, with its elements from at on. It
// takes the old one where that has the size.
func (c *chunk) move(size, at int) {
	buf := c.buf
	if len(buf) != size {
		buf = make([]string, size)
	}
	n := copy(buf[at:], c.elems())
	if len(c.buf) == size {
		clear(buf[:at])
		clear(buf[at+n:])
	}
	c.buf, c.lo, c.hi = buf, at, at+n
}

// room makes room at one end, unless c had better stay as it is: elements are
// moved only where as much room is won.
func (c *chunk) room(front bool) bool {
	n, size := c.hi-c.lo, len(c.buf)
	switch {
	case front && c.lo > 0, !front && c.hi < size:
		return true
	case size > 0 && n <= size/2:
	case size < maxChunk:
		size = min(max(2*size, 4), maxChunk)
	default:
		return false
	}
	at := 0
	if front {
		at = size - n
	}
	c.move(size, at)
	return true
}

func (d *deque) pushFront(s string) {
	if len(d.pages) == 0 {
		d.pages = []*page{d.newPage()}
	}
	ch := d.chunk(0, 0)
	if !ch.room(true) {
		ch = &chunk{buf: make([]string, maxChunk), lo: maxChunk, hi: maxChunk, epoch: d.epoch}
		if pg := d.page(0); len(pg.chunks) < maxPage {
			pg.chunks = slices.Insert(pg.chunks, 0, ch)
		} else {
			d.pages = slices.Insert(d.pages, 0, &page{chunks: []*chunk{ch}, epoch: d.epoch})
		}
	}
	ch.lo--
	ch.buf[ch.lo] = s
	d.page(0).n++
	d.n++
	d.taken += elementOverhead + len(s)
}

func (d *deque) pushBack(s string) {
	if len(d.pages) == 0 {
		d.pages = []*page{d.newPage()}
	}
	p := len(d.pages) - 1
	ch := d.chunk(p, len(d.pages[p].chunks)-1)
	if !ch.room(false) {
		ch = d.newChunk(make([]string, maxChunk)...)
		ch.hi = 0
		if pg := d.page(p); len(pg.chunks) < maxPage {
			pg.chunks = append(pg.chunks, ch)
		} else {
			d.pages = append(d.pages, &page{chunks: []*chunk{ch}, epoch: d.epoch})
			p++
		}
	}
	ch.buf[ch.hi] = s
	ch.hi++
	d.page(p).n++
	d.n++
	d.taken += elementOverhead + len(s)
}

// popFront removes the first element; there must be one.
func (d *deque) popFront() string {
	ch := d.chunk(0, 0)
	s := ch.buf[ch.lo]
	ch.buf[ch.lo] = ""
	ch.lo++
	d.lose(s)
	d.shrank(0, 0, 1)
	return s
}

// popBack removes the last element; there must be one.
func (d *deque) popBack() string {
	p := len(d.pages) - 1
	c := len(d.pages[p].chunks) - 1
	ch := d.chunk(p, c)
	ch.hi--
	s := ch.buf[ch.hi]
	ch.buf[ch.hi] = ""
	d.lose(s)
	d.shrank(p, c, 1)
	return s
}

// shrank keeps the books after chunk c of page p, which is not shared, lost n
// elements: what is empty goes.
func (d *deque) shrank(p, c, n int) {
	d.n -= n
	pg := d.pages[p]
	pg.n -= n
	ch := pg.chunks[c]
	if ch.lo < ch.hi {
		return
	}
	pg.chunks = slices.Delete(pg.chunks, c, c+1)
	if len(pg.chunks) == 0 {
		d.pages = slices.Delete(d.pages, p, p+1)
	}
}

// locate returns where the element at index i is: its page, its chunk and its
// place among the chunk's elements.
func (d *deque) locate(i int) (p, c, at int) {
	if i < d.n/2 {
		for i >= d.pages[p].n {
			i -= d.pages[p].n
			p++
		}
	} else {
		p = len(d.pages) - 1
		i -= d.n - d.pages[p].n
		for i < 0 {
			p--
			i += d.pages[p].n
		}
	}
	chunks := d.pages[p].chunks
	for i >= len(chunks[c].elems()) {
		i -= len(chunks[c].elems())
		c++
	}
	return p, c, i
}

// at returns the element at index i, which must exist.
func (d *deque) at(i int) string {
	p, c, at := d.locate(i)
	return d.pages[p].chunks[c].elems()[at]
}

// set replaces the element at index i, which must exist.
func (d *deque) set(i int, s string) {
	p, c, at := d.locate(i)
	old := &d.chunk(p, c).elems()[at]
	d.taken += len(s) - len(*old)
	*old = s
}

// each calls f with the elements from index i on, with their indexes, until it
// returns false.
func (d *deque) each(i int, f func(i int, s string) bool) {
	if i >= d.n {
		return
	}
	p, c, at := d.locate(i)
	for ; p < len(d.pages); p, c = p+1, 0 {
		chunks := d.pages[p].chunks
		for ; c < len(chunks); c, at = c+1, 0 {
			for _, s := range chunks[c].elems()[at:] {
				if !f(i, s) {
					return
				}
				i++
			}
		}
	}
}

// eachBack is each towards the front.
func (d *deque) eachBack(i int, f func(i int, s string) bool) {
	if i < 0 {
		return
	}
	p, c, at := d.locate(i)
	for {
		elems := d.pages[p].chunks[c].elems()
		for ; at >= 0; at-- {
			if !f(i, elems[at]) {
				return
			}
			i--
		}
		if c--; c < 0 {
			if p--; p < 0 {
				return
			}
			c = len(d.pages[p].chunks) - 1
		}
		at = len(d.pages[p].chunks[c].elems()) - 1
	}
}

func (d *deque) encode(e *encoder) {
	e.uvarint(uint64(d.n))
	d.each(0, func(_ int, s string) bool {
		e.string(s)
		return true
	})
}

func decodeDeque(r *stateReader, epoch uint64) container {
	d := newDeque(epoch)
	n := r.uvarint()
	if n == 0 {
		r.fail("list without elements")
	}
	for ; n > 0 && r.err == nil; n-- {
		d.pushBack(r.string())
	}
	return d
}

func (d *deque) check() error {
	n := 0
	for p, pg := range d.pages {
		inPage := 0
		for c, ch := range pg.chunks {
			inPage += len(ch.elems())
			switch {
			case ch.lo >= ch.hi || len(ch.buf) > maxChunk:
				return fmt.Errorf("chunk %d of page %d has %d elements", c, p, ch.hi-ch.lo)
			case ch.epoch > pg.epoch:
				return fmt.Errorf("chunk %d of page %d is newer than its page", c, p)
			}
			for i, s := range ch.buf {
				if s != "" && (i < ch.lo || i >= ch.hi) {
					return fmt.Errorf("chunk %d of page %d keeps what it lost", c, p)
				}
			}
		}
		switch {
		case len(pg.chunks) == 0 || len(pg.chunks) > maxPage:
			return fmt.Errorf("page %d has %d chunks", p, len(pg.chunks))
		case pg.n != inPage:
			return fmt.Errorf("page %d counts %d elements, and has %d", p, pg.n, inPage)
		case pg.epoch > d.epoch:
			return fmt.Errorf("page %d is newer than its list", p)
		}
		n += inPage
	}
	if n != d.n {
		return fmt.Errorf("a list counts %d elements, and has %d", d.n, n)
	}
	return nil
}
