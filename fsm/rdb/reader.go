package rdb

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
)

// A Key is a key of a file.
type Key struct {
	DB       int
	Name     string
	ExpireAt int64 // milliseconds since 1970, 0 for never
	Value    Value
}

// A Reader reads a file key by key.
type Reader struct {
	d         decoder
	version   int
	db        int
	started   bool
	libraries []string
}

// NewReader returns a Reader of the file that r reads.
func NewReader(r io.Reader) *Reader {
	return &Reader{d: decoder{r: bufio.NewReaderSize(r, 256<<10)}}
}

// Libraries returns the code of the function libraries seen so far. They come
// before all keys.
func (r *Reader) Libraries() []string { return r.libraries }

// What stands in the place of a value's type.
const (
	opSlotInfo    = 244
	opFunction    = 245
	opFunctionOld = 246
	opModuleAux   = 247
	opIdle        = 248
	opFreq        = 249
	opAux         = 250
	opResizeDB    = 251
	opExpireMs    = 252
	opExpire      = 253
	opSelectDB    = 254
	opEOF         = 255
)

// Next returns the next key, or io.EOF after the end, once the checksum was found
// right. After a *ModuleError one may go on with the next key.
func (r *Reader) Next() (*Key, error) {
	if !r.started {
		r.started = true
		r.header()
	}
	k := &Key{}
	for r.d.err == nil {
		switch op := r.d.byte(); {
		case r.d.err != nil:
		case op == opEOF:
			r.end()
		case op == opExpire:
			k.ExpireAt = int64(int32(r.d.fixed32())) * 1000
		case op == opExpireMs:
			k.ExpireAt = int64(r.d.fixed64())
		case op >= opSlotInfo:
			r.special(op)
		default:
			return r.key(k, op)
		}
	}
	return nil, r.d.err
}

// key reads the rest of a key, from its name on.
func (r *Reader) key(k *Key, typ byte) (*Key, error) {
	k.DB, k.Name = r.db, r.d.string()
	if typ == typeModule2 {
		id := r.d.length()
		if r.d.skipModule(); r.d.err == nil {
			return nil, &ModuleError{k.DB, k.Name, moduleName(id)}
		}
	}
	k.Value = r.d.value(typ)
	if r.d.err != nil {
		r.d.err = fmt.Errorf("key %q of database %d: %w", k.Name, k.DB, r.d.err)
		return nil, r.d.err
	}
	return k, nil
}

// special reads what is about no key, or what trivet has no use for.
func (r *Reader) special(op byte) {
	switch op {
	case opSelectDB:
		n := r.d.length()
		if n > 1<<20 {
			r.d.fail("database %d", n)
		}
		r.db = int(n)
	case opResizeDB:
		r.d.length()
		r.d.length()
	case opSlotInfo:
		r.d.length()
		r.d.length()
		r.d.length()
	case opAux:
		r.d.blob()
		r.d.blob()
	case opIdle:
		r.d.length()
	case opFreq:
		r.d.byte()
	case opModuleAux:
		r.d.length() // the module
		r.d.length() // always moduleUnsigned, then when it was written
		r.d.length()
		r.d.skipModule()
	case opFunction:
		r.libraries = append(r.libraries, r.d.string())
	case opFunctionOld:
		r.d.err = fmt.Errorf("functions of Redis 7.0's first candidates: %w", ErrNewer)
	}
}

// A file begins with a word and its version in four digits.
const headerSize = len("REDIS0011")

func (r *Reader) header() {
	var head [headerSize]byte
	b := r.d.full(head[:])
	version, err := strconv.Atoi(string(b[5:]))
	switch {
	case r.d.err != nil:
	case string(b[:5]) != "REDIS" || err != nil || version < 1:
		r.d.fail("a file that begins with %q is no RDB file", b)
	case version > maxVersion:
		r.d.err = fmt.Errorf("file of version %d: %w", version, ErrNewer)
	}
	r.version = version
}

// checksumVersion is the first one whose files end with a checksum.
const checksumVersion = 5

// end compares the checksum, unless it is 0: then it was left out.
func (r *Reader) end() {
	if r.version >= checksumVersion {
		sum := r.d.sum
		if want := r.d.fixed64(); r.d.err == nil && want != 0 && want != sum {
			r.d.err = fmt.Errorf("file with a wrong checksum: %w", ErrChecksum)
		}
	}
	if r.d.err == nil {
		r.d.err = io.EOF
	}
}
