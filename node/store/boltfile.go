package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"os"
)

// The layout of a bolt file, version 2. All numbers are in the machine's own
// byte order.
const (
	boltMagic      = 0xED0CDAED
	boltVersion    = 2
	boltHead       = 16 // page: id 8, flags 2, count 2, overflow 4
	boltElement    = 16 // leaf: flags, pos, ksize, vsize; branch: pos, ksize, page 8
	boltMetaSize   = 64 // magic, version, page size, flags, root 8, sequence 8, freelist 8, end 8, tx 8, sum 8
	boltBucket     = 16 // root page 8, sequence 8; an inline page follows where root is 0
	boltNoFreelist = 1<<64 - 1
	boltMaxDepth   = 64

	boltBranchPage   = 0x01
	boltLeafPage     = 0x02
	boltFreelistPage = 0x10
)

var native = binary.NativeEndian

// A boltFile reads a bolt file as plain bytes, and believes nothing in it.
type boltFile struct {
	file     *os.File
	pageSize int
	end      uint64   // pages from here on were never used
	seen     []uint64 // a bit a page
	visit    func(bucket string, key, value []byte) error
}

// checkBolt reads the whole tree of a bolt file with one level of buckets, and
// calls visit with all pairs, in order. bbolt itself may be let at the file
// only if that found nothing: it takes page numbers, counts and lengths for
// granted, and walks the tree in a goroutine where no one can recover.
func checkBolt(path string, visit func(bucket string, key, value []byte) error) (err error) {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	b := &boltFile{file: file, visit: visit}
	root, err := b.readMetas()
	if err != nil {
		return err
	}
	return b.walk(root, "", span{}, 0)
}

// readMetas reads the two meta pages and returns the root of the newer one.
// bbolt makes do with one: it then silently goes back by one transaction,
// which may be a vote or an entry that was acknowledged. A meta is far smaller
// than what a disk writes in one piece, so that a crash does not tear it.
func (b *boltFile) readMetas() (root uint64, err error) {
	info, err := b.file.Stat()
	if err != nil {
		return 0, err
	}
	var txid, freelist uint64
	for i := range int64(2) {
		m := make([]byte, boltMetaSize)
		if _, err := b.file.ReadAt(m, i*int64(b.pageSize)+boltHead); err != nil {
			return 0, fmt.Errorf("meta page %d: %w", i, err)
		}
		sum := fnv.New64a()
		_, _ = sum.Write(m[:boltMetaSize-8])
		size := native.Uint32(m[8:])
		switch {
		case native.Uint32(m) != boltMagic || native.Uint32(m[4:]) != boltVersion:
			return 0, fmt.Errorf("meta page %d is none", i)
		case native.Uint64(m[56:]) != sum.Sum64():
			return 0, fmt.Errorf("meta page %d: %w", i, errSum)
		case size < 512 || size > 1<<20 || i == 1 && int(size) != b.pageSize:
			return 0, fmt.Errorf("meta page %d: page size %d", i, size)
		}
		b.pageSize = int(size)
		if t := native.Uint64(m[48:]); i == 0 || t > txid {
			txid, root, freelist, b.end = t, native.Uint64(m[16:]), native.Uint64(m[32:]), native.Uint64(m[40:])
		}
	}
	if pages := uint64(info.Size()) / uint64(b.pageSize); b.end > pages {
		return 0, fmt.Errorf("cut off: %d pages of %d", pages, b.end)
	}
	b.seen = make([]uint64, b.end/64+1)
	if freelist != boltNoFreelist {
		return root, b.checkFreelist(freelist)
	}
	return root, nil
}

// checkFreelist checks the list of free pages. It is only there, and empty,
// until the first transaction, since we open bolt with NoFreelistSync.
func (b *boltFile) checkFreelist(id uint64) error {
	p, err := b.page(id)
	if err == nil && (p.flags != boltFreelistPage || p.count != 0) {
		err = fmt.Errorf("page %d is no empty freelist", id)
	}
	return err
}

// A boltPage is a page with the pages that it flows over into.
type boltPage struct {
	flags uint16
	count int
	b     []byte
}

// page reads a page, which must not have been read before: a page that is
// reached twice is in use for two things.
func (b *boltFile) page(id uint64) (boltPage, error) {
	if id < 2 || id >= b.end {
		return boltPage{}, fmt.Errorf("page %d is out of bounds", id)
	}
	at := int64(id) * int64(b.pageSize)
	head := make([]byte, boltHead)
	if _, err := b.file.ReadAt(head, at); err != nil {
		return boltPage{}, fmt.Errorf("page %d: %w", id, err)
	}
	over := uint64(native.Uint32(head[12:]))
	if native.Uint64(head) != id || over >= b.end-id {
		return boltPage{}, fmt.Errorf("page %d has a wrong head", id)
	}
	for i := id; i <= id+over; i++ {
		if b.seen[i/64]&(1<<(i%64)) != 0 {
			return boltPage{}, fmt.Errorf("page %d is used twice", i)
		}
		b.seen[i/64] |= 1 << (i % 64)
	}
	whole := make([]byte, (1+int(over))*b.pageSize)
	if _, err := b.file.ReadAt(whole, at); err != nil {
		return boltPage{}, fmt.Errorf("page %d: %w", id, err)
	}
	return parsePage(whole), nil
}

func parsePage(b []byte) boltPage {
	return boltPage{flags: native.Uint16(b[8:]), count: int(native.Uint16(b[10:])), b: b}
}

// A span bounds the keys of a subtree: from low on, and less than high. Nil is
// no bound.
type span struct{ low, high []byte }

func (s span) holds(key []byte) bool {
	return bytes.Compare(key, s.low) >= 0 && (s.high == nil || bytes.Compare(key, s.high) < 0)
}

// walk checks the tree under a page. Bucket is "" for the tree of buckets.
func (b *boltFile) walk(id uint64, bucket string, keys span, depth int) error {
	if depth > boltMaxDepth {
		return errors.New("tree is too deep")
	}
	p, err := b.page(id)
	if err == nil {
		err = b.walkPage(p, bucket, keys, depth)
	}
	if err != nil {
		return fmt.Errorf("page %d: %w", id, err)
	}
	return nil
}

func (b *boltFile) walkPage(p boltPage, bucket string, keys span, depth int) error {
	elements, err := p.elements()
	if err != nil {
		return err
	}
	for i, e := range elements {
		if !keys.holds(e.key) || i > 0 && bytes.Compare(e.key, elements[i-1].key) <= 0 {
			return errors.New("keys are out of order")
		}
		if p.flags == boltBranchPage {
			below := span{low: e.key, high: keys.high}
			if i+1 < len(elements) {
				below.high = elements[i+1].key
			}
			err = b.walk(e.child, bucket, below, depth+1)
		} else {
			err = b.leaf(e, bucket)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// leaf checks one pair: a bucket at the top, a value below.
func (b *boltFile) leaf(e boltPair, bucket string) error {
	if bucket != "" {
		if e.flags != 0 {
			return errors.New("a bucket in a bucket")
		}
		return b.visit(bucket, e.key, e.value)
	}
	if e.flags != 1 || len(e.value) < boltBucket {
		return errors.New("a value among the buckets")
	}
	if err := b.visit(string(e.key), nil, nil); err != nil {
		return err
	}
	if root := native.Uint64(e.value); root != 0 {
		return b.walk(root, string(e.key), span{}, 0)
	}
	inline := e.value[boltBucket:]
	if len(inline) < boltHead {
		return errors.New("a bucket is cut off")
	}
	p := parsePage(inline)
	if p.flags != boltLeafPage {
		return errors.New("a bucket has a wrong head")
	}
	return b.walkPage(p, string(e.key), span{}, 0)
}

// A boltPair is a key with its value, or with the page of a subtree.
type boltPair struct {
	flags      uint32
	child      uint64
	key, value []byte
}

// elements returns what a page holds. bbolt writes keys and values without
// holes, right after the table of elements; that must be so to the byte, which
// shows a changed count or length.
func (p boltPage) elements() ([]boltPair, error) {
	if p.flags != boltLeafPage && p.flags != boltBranchPage {
		return nil, fmt.Errorf("is of type %#x", p.flags)
	}
	next := uint64(boltHead + p.count*boltElement)
	if next > uint64(len(p.b)) || p.flags == boltBranchPage && p.count == 0 {
		return nil, fmt.Errorf("holds %d elements", p.count)
	}
	pairs := make([]boltPair, p.count)
	for i := range pairs {
		at := uint64(boltHead + i*boltElement)
		e := p.b[at : at+boltElement]
		var pos, ksize, vsize uint64
		if p.flags == boltLeafPage {
			pairs[i].flags = native.Uint32(e)
			pos, ksize, vsize = uint64(native.Uint32(e[4:])), uint64(native.Uint32(e[8:])), uint64(native.Uint32(e[12:]))
		} else {
			pos, ksize = uint64(native.Uint32(e)), uint64(native.Uint32(e[4:]))
			pairs[i].child = native.Uint64(e[8:])
		}
		if at+pos != next || ksize == 0 || next+ksize+vsize > uint64(len(p.b)) {
			return nil, fmt.Errorf("element %d is out of place", i)
		}
		pairs[i].key = p.b[next : next+ksize]
		pairs[i].value = p.b[next+ksize : next+ksize+vsize]
		next += ksize + vsize
	}
	return pairs, nil
}
