package store

import (
	"math"
	"sync"

	"github.com/hashicorp/raft"
)

// entryOverhead is about what an entry takes besides its data, in bolt's pages
// and in raft's encoding.
const entryOverhead = 100

func entrySize(e *raft.Log) int {
	return len(e.Data) + len(e.Extensions) + entryOverhead
}

// sizes knows how large each entry of the log is, so that the log can be
// bounded in bytes where raft only counts entries. Its zero value is an empty
// log's.
type sizes struct {
	mu    sync.Mutex
	first uint64 // index of n[0]
	n     []uint32
}

// follows reports whether an entry at index may be stored next without
// leaving a gap.
func (s *sizes) follows(index uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.n) == 0 || index >= s.first && index <= s.first+uint64(len(s.n))
}

// last returns the index of the last entry, 0 for an empty log.
func (s *sizes) last() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.n) == 0 {
		return 0
	}
	return s.first + uint64(len(s.n)) - 1
}

// add notes an entry, which follows the last one or replaces one.
func (s *sizes) add(index uint64, size int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := uint32(min(size, math.MaxUint32))
	switch {
	case len(s.n) == 0:
		s.first, s.n = index, append(s.n, n)
	case index == s.first+uint64(len(s.n)):
		s.n = append(s.n, n)
	case index >= s.first && index < s.first+uint64(len(s.n)):
		s.n[index-s.first] = n
	}
}

// remove forgets the entries from low to high, which raft always takes from
// one of the log's ends.
func (s *sizes) remove(low, high uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.n) == 0 || high < s.first || low >= s.first+uint64(len(s.n)) || low > high {
		return
	}
	last := s.first + uint64(len(s.n)) - 1
	switch {
	case high >= last && low <= s.first:
		s.n = nil
	case high >= last:
		s.n = s.n[:low-s.first]
	default:
		// A copy, so that the memory of what is gone can go too.
		s.n = append([]uint32(nil), s.n[high+1-s.first:]...)
		s.first = high + 1
	}
}

// after returns the bytes of all entries past index.
func (s *sizes) after(index uint64) (total int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, n := range s.n {
		if s.first+uint64(i) > index {
			total += int64(n)
		}
	}
	return total
}

// trailing returns how many of the newest entries fit into limit bytes, and 1
// where not even one does.
func (s *sizes) trailing(limit int64) uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var count uint64
	for i := len(s.n) - 1; i >= 0; i-- {
		if limit -= int64(s.n[i]); limit < 0 {
			break
		}
		count++
	}
	return max(count, 1)
}
