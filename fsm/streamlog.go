package fsm

import (
	"fmt"
	"slices"
	"sort"
)

// A stream is entries by ascending ID, in chunks, and the chunks in pages. A
// clone copies the pages' addresses, one for some 16,000 entries; pages and
// chunks are shared until they change. How entries are spread over chunks is
// never seen, nor encoded.
type stream struct {
	pages   []*streamPage
	n       int
	last    streamID // no entry is past it, and new ones are
	deleted streamID // the greatest ID that XDEL removed
	added   uint64   // entries ever added
	groups  ordered[label, streamGroup]
	epoch   uint64
	taken   int // bytes, see memory.go
	// inGroups is what the groups take, besides.
	inGroups int
}

// A streamPage is a run of chunks, never empty.
type streamPage struct {
	chunks []*streamChunk
	epoch  uint64
}

// A streamChunk is a run of entries, never empty.
type streamChunk struct {
	entries []streamEntry
	epoch   uint64
}

// A streamEntry never changes.
type streamEntry struct {
	id     streamID
	fields []string // names and values in turn
}

func newStream(epoch uint64) *stream { return &stream{epoch: epoch} }

func (s *stream) size() int { return s.n }

func (s *stream) bytes() int { return s.taken + s.inGroups }

// weight is what an entry takes.
func (e *streamEntry) weight() int {
	n := elementOverhead + 16
	for _, field := range e.fields {
		n += len(field)
	}
	return n
}

func (s *stream) clone(epoch uint64) container {
	clone := *s
	clone.pages, clone.epoch = slices.Clone(s.pages), epoch
	return &clone
}

// page returns page p, no longer shared.
func (s *stream) page(p int) *streamPage {
	pg := s.pages[p]
	if pg.epoch != s.epoch {
		pg = &streamPage{slices.Clone(pg.chunks), s.epoch}
		s.pages[p] = pg
	}
	return pg
}

// chunk returns chunk c of page p; both are no longer shared.
func (s *stream) chunk(p, c int) *streamChunk {
	pg := s.page(p)
	ch := pg.chunks[c]
	if ch.epoch != s.epoch {
		ch = &streamChunk{slices.Clone(ch.entries), s.epoch}
		pg.chunks[c] = ch
	}
	return ch
}

func (c *streamChunk) last() streamID { return c.entries[len(c.entries)-1].id }

func (p *streamPage) last() streamID { return p.chunks[len(p.chunks)-1].last() }

// find returns how many entries of the chunk are ahead of id.
func (c *streamChunk) find(id streamID) int {
	return sort.Search(len(c.entries), func(i int) bool { return !c.entries[i].id.less(id) })
}

// seek returns where the first entry is whose ID is not less than id: its page,
// its chunk and its place there. Past the end it is the page that is not there.
func (s *stream) seek(id streamID) (p, c, at int) {
	p = sort.Search(len(s.pages), func(i int) bool { return !s.pages[i].last().less(id) })
	if p == len(s.pages) {
		return p, 0, 0
	}
	chunks := s.pages[p].chunks
	c = sort.Search(len(chunks), func(i int) bool { return !chunks[i].last().less(id) })
	return p, c, chunks[c].find(id)
}

// edge returns the first or the last entry; there must be one.
func (s *stream) edge(last bool) *streamEntry {
	if !last {
		return &s.pages[0].chunks[0].entries[0]
	}
	chunks := s.pages[len(s.pages)-1].chunks
	entries := chunks[len(chunks)-1].entries
	return &entries[len(entries)-1]
}

// add appends an entry, whose ID must be past the last one. It keeps fields.
func (s *stream) add(id streamID, fields []string) {
	e := streamEntry{id, fields}
	s.put(e)
	s.last = id
	s.added++
}

// put appends an entry and leaves all but the number as it is.
func (s *stream) put(e streamEntry) {
	s.n++
	s.taken += e.weight()
	p := len(s.pages) - 1
	if p >= 0 {
		c := len(s.pages[p].chunks) - 1
		if len(s.pages[p].chunks[c].entries) < maxChunk {
			ch := s.chunk(p, c)
			ch.entries = append(ch.entries, e)
			return
		}
	}
	ch := &streamChunk{[]streamEntry{e}, s.epoch}
	if p >= 0 && len(s.pages[p].chunks) < maxPage {
		pg := s.page(p)
		pg.chunks = append(pg.chunks, ch)
		return
	}
	s.pages = append(s.pages, &streamPage{[]*streamChunk{ch}, s.epoch})
}

// dropChunk removes chunk c of page p, and the page with its last chunk.
func (s *stream) dropChunk(p, c int) {
	if len(s.pages[p].chunks) == 1 {
		s.pages = slices.Delete(s.pages, p, p+1)
		return
	}
	pg := s.page(p)
	pg.chunks = slices.Delete(pg.chunks, c, c+1)
}

// dropFront removes the first n entries, no more than the first chunk has.
func (s *stream) dropFront(n int) {
	s.n -= n
	for i := range n {
		s.taken -= s.pages[0].chunks[0].entries[i].weight()
	}
	if n == len(s.pages[0].chunks[0].entries) {
		s.dropChunk(0, 0)
		return
	}
	ch := s.chunk(0, 0)
	clear(ch.entries[:n])
	ch.entries = ch.entries[n:]
}

// entry returns the entry of this ID, or nil.
func (s *stream) entry(id streamID) *streamEntry {
	p, c, at := s.seek(id)
	if p == len(s.pages) || s.pages[p].chunks[c].entries[at].id != id {
		return nil
	}
	return &s.pages[p].chunks[c].entries[at]
}

// has reports whether there is an entry of this ID.
func (s *stream) has(id streamID) bool { return s.entry(id) != nil }

// remove takes the entry of this ID away and reports whether there was one.
func (s *stream) remove(id streamID) bool {
	p, c, at := s.seek(id)
	if p == len(s.pages) || s.pages[p].chunks[c].entries[at].id != id {
		return false
	}
	s.n--
	s.taken -= s.pages[p].chunks[c].entries[at].weight()
	if s.deleted.less(id) {
		s.deleted = id
	}
	if len(s.pages[p].chunks[c].entries) == 1 {
		s.dropChunk(p, c)
		return true
	}
	ch := s.chunk(p, c)
	ch.entries = slices.Delete(ch.entries, at, at+1)
	if len(ch.entries) < cap(ch.entries)/4 { // holes shall not take memory
		ch.entries = slices.Clone(ch.entries)
	}
	return true
}

// each calls f with the entries from one ID to another, both included, until it
// returns false. Back begins with the last of them.
func (s *stream) each(from, to streamID, back bool, f func(e *streamEntry) bool) {
	if back {
		s.eachBack(from, to, f)
		return
	}
	p, c, at := s.seek(from)
	for ; p < len(s.pages); p, c = p+1, 0 {
		chunks := s.pages[p].chunks
		for ; c < len(chunks); c, at = c+1, 0 {
			entries := chunks[c].entries
			for ; at < len(entries); at++ {
				if to.less(entries[at].id) || !f(&entries[at]) {
					return
				}
			}
		}
	}
}

func (s *stream) eachBack(from, to streamID, f func(e *streamEntry) bool) {
	p, c, at := len(s.pages), 0, 0
	if past, ok := to.next(); ok {
		p, c, at = s.seek(past)
	}
	for { // the entry wanted is the one ahead of (p, c, at)
		for at--; at < 0; {
			if c--; c < 0 {
				if p--; p < 0 {
					return
				}
				c = len(s.pages[p].chunks) - 1
			}
			at = len(s.pages[p].chunks[c].entries) - 1
		}
		e := &s.pages[p].chunks[c].entries[at]
		if e.id.less(from) || !f(e) {
			return
		}
	}
}

// sizes calls f with the sizes of the first n entries.
func (s *stream) sizes(n int, f func(key, val int)) {
	s.each(streamID{}, maxStreamID, false, func(e *streamEntry) bool {
		bytes := 0
		for _, field := range e.fields {
			bytes += len(field)
		}
		f(16, bytes)
		n--
		return n > 0
	})
}

func (s *stream) check() error {
	n, before, started := 0, streamID{}, false
	for p, pg := range s.pages {
		if len(pg.chunks) == 0 || len(pg.chunks) > maxPage || pg.epoch > s.epoch {
			return fmt.Errorf("page %d has %d chunks, and the epoch %d of %d", p, len(pg.chunks), pg.epoch, s.epoch)
		}
		for c, ch := range pg.chunks {
			if len(ch.entries) == 0 || len(ch.entries) > maxChunk || ch.epoch > pg.epoch {
				return fmt.Errorf("chunk %d of page %d has %d entries, and the epoch %d of %d", c, p, len(ch.entries), ch.epoch, pg.epoch)
			}
			n += len(ch.entries)
			for _, e := range ch.entries {
				if started && !before.less(e.id) || len(e.fields) == 0 || len(e.fields)%2 != 0 {
					return fmt.Errorf("entry %v with %d fields comes after %v", e.id, len(e.fields), before)
				}
				before, started = e.id, true
			}
		}
	}
	if n != s.n || s.last.less(before) || s.added < uint64(n) {
		return fmt.Errorf("a stream of %d entries up to %v says %d, %v, %d", n, before, s.n, s.last, s.added)
	}
	return s.checkGroups()
}
