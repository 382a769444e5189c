package fsm

import "slices"

// insert puts s ahead of the element at index i, or behind all.
func (d *deque) insert(i int, s string) {
	switch i {
	case 0:
		d.pushFront(s)
		return
	case d.n:
		d.pushBack(s)
		return
	}
	p, c, at := d.locate(i)
	ch := d.chunk(p, c)
	if len(ch.elems()) == maxChunk {
		p, c, at = d.split(p, c, at)
		ch = d.chunk(p, c)
	}
	switch {
	case ch.hi < len(ch.buf):
	case ch.lo > 0:
		ch.move(len(ch.buf), 0)
	default:
		ch.move(min(max(2*len(ch.buf), 4), maxChunk), 0)
	}
	at += ch.lo
	copy(ch.buf[at+1:ch.hi+1], ch.buf[at:ch.hi])
	ch.buf[at] = s
	ch.hi++
	d.pages[p].n++
	d.n++
	d.taken += elementOverhead + len(s)
}

// split makes two chunks of a full one, and returns where its place at is then.
func (d *deque) split(p, c, at int) (int, int, int) {
	const half = maxChunk / 2
	ch, pg := d.chunk(p, c), d.page(p)
	right := d.newChunk(slices.Clone(ch.elems()[half:])...)
	clear(ch.elems()[half:])
	ch.hi = ch.lo + half
	pg.chunks = slices.Insert(pg.chunks, c+1, right)
	if at >= half {
		c, at = c+1, at-half
	}
	if len(pg.chunks) > maxPage {
		const middle = maxPage / 2
		next := &page{chunks: slices.Clone(pg.chunks[middle:]), epoch: d.epoch}
		for _, ch := range next.chunks {
			next.n += len(ch.elems())
		}
		pg.chunks = slices.Delete(pg.chunks, middle, len(pg.chunks))
		pg.n -= next.n
		d.pages = slices.Insert(d.pages, p+1, next)
		if c >= middle {
			p, c = p+1, c-middle
		}
	}
	return p, c, at
}

// removeEqual removes up to limit elements that equal s, from the front or from
// the back, and returns how many.
func (d *deque) removeEqual(s string, limit int, back bool) int {
	n := 0
	for i := 0; i < len(d.pages) && n < limit; i++ {
		p := i
		if back {
			p = len(d.pages) - 1 - i
		}
		n += d.dropFromPage(p, s, limit-n, back)
	}
	if n > 0 {
		d.joinPages()
	}
	return n
}

// dropFromPage does the work of removeEqual in one page, which may be empty
// then.
func (d *deque) dropFromPage(p int, s string, limit int, back bool) int {
	n, chunks := 0, len(d.pages[p].chunks)
	for i := 0; i < chunks && n < limit; i++ {
		c := i
		if back {
			c = chunks - 1 - i
		}
		if slices.Contains(d.pages[p].chunks[c].elems(), s) {
			n += d.dropEqual(p, c, s, limit-n, back)
		}
	}
	if n > 0 {
		d.joinChunks(p)
	}
	return n
}

// dropEqual does the work of removeEqual in one chunk, which may be empty then.
func (d *deque) dropEqual(p, c int, s string, limit int, back bool) int {
	ch := d.chunk(p, c)
	n, left := len(ch.elems()), limit
	drop := func(v string) bool {
		if v != s || left == 0 {
			return false
		}
		left--
		return true
	}
	if back {
		slices.Reverse(ch.elems())
	}
	kept := slices.DeleteFunc(ch.elems(), drop) // clears the rest
	ch.hi = ch.lo + len(kept)
	if back {
		slices.Reverse(kept)
	}
	n -= len(kept)
	d.pages[p].n -= n
	d.n -= n
	d.taken -= n * (elementOverhead + len(s))
	return n
}

func (c *chunk) small() bool { return c.hi-c.lo <= maxChunk/4 }

// joinChunks drops the chunks of a page that are empty after elements went from
// the middle, and joins neighbours that are small, lest a list become all
// structure. The page must not be shared.
func (d *deque) joinChunks(p int) {
	var kept []*chunk
	for _, ch := range d.pages[p].chunks {
		last := len(kept) - 1
		switch {
		case ch.lo == ch.hi:
		case last >= 0 && kept[last].small() && ch.small():
			kept[last] = d.newChunk(slices.Concat(kept[last].elems(), ch.elems())...)
		default:
			kept = append(kept, ch)
		}
	}
	d.pages[p].chunks = kept
}

// joinPages is joinChunks for pages.
func (d *deque) joinPages() {
	var kept []*page
	for _, pg := range d.pages {
		last := len(kept) - 1
		switch {
		case pg.n == 0:
		case last >= 0 && len(kept[last].chunks)+len(pg.chunks) <= maxPage/2:
			joined := &page{n: kept[last].n + pg.n, epoch: d.epoch}
			joined.chunks = slices.Concat(kept[last].chunks, pg.chunks)
			kept[last] = joined
		default:
			kept = append(kept, pg)
		}
	}
	d.pages = kept
}

// trim keeps the elements of the indexes from up to, not including, to. It looks
// at those that stay or at those that go, whichever are fewer.
func (d *deque) trim(from, to int) {
	if from >= to {
		d.pages, d.n, d.taken = nil, 0, 0
		return
	}
	few := to-from < d.n-(to-from)
	left := 0
	if few {
		d.each(from, func(i int, s string) bool {
			left += elementOverhead + len(s)
			return i+1 < to
		})
	}
	front, back := from, d.n-to
	for d.cutFront(&front, !few) {
	}
	for d.cutBack(&back, !few) {
	}
	if few {
		d.taken = left
	}
}

// cutFront removes some of the first n elements, a whole page or chunk where
// that does, and reports whether there is more to do. Sum says whether a
// page's elements are to go out of the sum of bytes.
func (d *deque) cutFront(n *int, sum bool) bool {
	first := d.pages[0]
	size := len(first.chunks[0].elems())
	switch {
	case *n == 0:
		return false
	case *n >= first.n:
		size = first.n
		if sum {
			d.losePage(first)
		}
		d.pages = slices.Delete(d.pages, 0, 1)
		d.n -= size
	case *n >= size:
		d.lose(first.chunks[0].elems()...)
		pg := d.page(0)
		pg.chunks = slices.Delete(pg.chunks, 0, 1)
		pg.n -= size
		d.n -= size
	default:
		ch := d.chunk(0, 0)
		d.lose(ch.elems()[:*n]...)
		clear(ch.elems()[:*n])
		ch.lo += *n
		size = *n
		d.shrank(0, 0, size)
	}
	*n -= size
	return true
}

func (d *deque) losePage(pg *page) {
	for _, ch := range pg.chunks {
		d.lose(ch.elems()...)
	}
}

// cutBack is cutFront for the other end.
func (d *deque) cutBack(n *int, sum bool) bool {
	p := len(d.pages) - 1
	c := len(d.pages[p].chunks) - 1
	last := d.pages[p]
	size := len(last.chunks[c].elems())
	switch {
	case *n == 0:
		return false
	case *n >= last.n:
		size = last.n
		if sum {
			d.losePage(last)
		}
		d.pages = slices.Delete(d.pages, p, p+1)
		d.n -= size
	case *n >= size:
		d.lose(last.chunks[c].elems()...)
		pg := d.page(p)
		pg.chunks = slices.Delete(pg.chunks, c, c+1)
		pg.n -= size
		d.n -= size
	default:
		ch := d.chunk(p, c)
		d.lose(ch.elems()[size-*n:]...)
		clear(ch.elems()[size-*n:])
		ch.hi -= *n
		size = *n
		d.shrank(p, c, size)
	}
	*n -= size
	return true
}
