package rdb

import (
	"errors"
)

// A Kind is a type of Redis's values.
type Kind uint8

// The kinds of values.
const (
	String Kind = iota
	List
	Set
	Hash
	ZSet
	Streams
)

// A Value describes a value, however it was encoded. Elements may come twice
// where the input is damaged: only the reader's containers can tell.
type Value struct {
	Kind   Kind
	Str    string    // of a String
	Elems  []string  // of a List, Set or ZSet; of a Hash, fields and values in turn
	Scores []float64 // of a ZSet, one for each element; never NaN
	Stream *Stream   // of Streams
}

// Empty reports whether there is nothing in it, as no key can have it.
func (v *Value) Empty() bool {
	return v.Kind != String && v.Kind != Streams && len(v.Elems) == 0
}

// An ID is the place of an entry in a stream.
type ID struct{ Ms, Seq uint64 }

// Less reports whether id comes ahead of other.
func (id ID) Less(other ID) bool {
	return id.Ms < other.Ms || id.Ms == other.Ms && id.Seq < other.Seq
}

// A Stream is what a stream's key holds. Entries are in the order of their IDs,
// and none is past Last.
type Stream struct {
	Entries    []Entry
	Last       ID
	MaxDeleted ID
	Added      uint64 // entries ever added
	Groups     []Group
}

// An Entry is one of a stream. Fields are names and values in turn.
type Entry struct {
	ID     ID
	Fields []string
}

// UnknownRead is the Read of a group for which Redis knows no number.
const UnknownRead = -1

// A Group is a consumer group of a stream.
type Group struct {
	Name      string
	Last      ID        // delivered
	Read      int64     // entries read, or UnknownRead
	Pending   []Pending // of all consumers, in the order of IDs
	Consumers []Consumer
}

// A Pending is an entry that was delivered and not acknowledged. Consumer is an
// index of the group's Consumers.
type Pending struct {
	ID        ID
	Delivered int64 // milliseconds since 1970
	Count     uint64
	Consumer  int
}

// A Consumer is one of a group. Times are milliseconds since 1970.
type Consumer struct {
	Name   string
	Seen   int64
	Active int64 // -1 for never
}

// What errors wrap.
var (
	ErrFormat   = errors.New("bad RDB data")
	ErrChecksum = errors.New("version or checksum of RDB data are wrong")
	ErrOpcode   = errors.New("RDB data of another kind than expected")
	ErrTooLarge = errors.New("RDB data that is too large once it is decompressed")
	ErrNewer    = errors.New("RDB data of a newer version or another product")
)

// The types of values in RDB data.
const (
	typeString       = 0
	typeList         = 1
	typeSet          = 2
	typeZSet         = 3
	typeHash         = 4
	typeZSet2        = 5
	typeModule       = 6
	typeModule2      = 7
	typeHashZipmap   = 9
	typeListZiplist  = 10
	typeSetIntset    = 11
	typeZSetZiplist  = 12
	typeHashZiplist  = 13
	typeQuicklist    = 14
	typeStreams      = 15
	typeHashListpack = 16
	typeZSetListpack = 17
	typeQuicklist2   = 18
	typeStreams2     = 19
	typeSetListpack  = 20
	typeStreams3     = 21
	typesEnd         = 22
)

// The versions of the format.
const (
	writtenVersion = 10 // of Redis 7.0
	// maxVersion is that of Redis 7.4, of which only hashes with deadlines are new;
	// their types are not known here.
	maxVersion = 12
)
