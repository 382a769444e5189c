package fsm

import (
	"strings"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// OBJECT and MEMORY look at how a value is kept. They answer what Redis would,
// as far as it follows from the value.
var objectCommands = []Command{
	{Spec{"OBJECT", -2, Local | Container, Keys{}, "generic", "Commands about how values are kept.", "2.2.3"}, noSubcommand},
	{Spec{"OBJECT|ENCODING", 3, Read, Keys{2, 2, 1}, "generic", "Get the encoding that Redis would use for a value.", "2.2.3"}, objectEncoding},
	{Spec{"OBJECT|REFCOUNT", 3, Read, Keys{2, 2, 1}, "generic", "Get the number of references to a value; always 1.", "2.2.3"}, objectRefCount},
	{Spec{"OBJECT|IDLETIME", 3, Read, Keys{2, 2, 1}, "generic", "Get the seconds since a value was used; always 0.", "2.2.3"}, objectIdleTime},
	{Spec{"OBJECT|FREQ", 3, Read, Keys{2, 2, 1}, "generic", "Get how often a value is used; an error, as it is not counted.", "4.0.0"}, objectFreq},
	{Spec{"OBJECT|HELP", 2, Read | Loading | Stale, Keys{}, "generic", "Describe the subcommands.", "6.2.0"}, objectHelp},
	{Spec{"MEMORY", -2, Local | Container, Keys{}, "server", "Commands about memory.", "4.0.0"}, noSubcommand},
	{Spec{"MEMORY|USAGE", -3, Read, Keys{2, 2, 1}, "server", "Estimate the bytes that a key and its value take.", "4.0.0"}, memoryUsage},
}

// noSubcommand stands in the rows of containers, which are never run: the door
// finds the subcommand's row or none.
func noSubcommand(_ *Tx, args [][]byte) resp.Value {
	return resp.Err("ERR unknown subcommand or wrong number of arguments for '" + strings.ToLower(string(args[0])) + "'")
}

// The most that Redis keeps in its compact encodings.
const (
	maxEmbedded = 44      // bytes of a string
	maxFields   = 512     // of a hash
	maxPacked   = 64      // bytes of an element of a hash, set or sorted set
	maxListPack = 8 << 10 // bytes of a list's listpack
	emptyPack   = 7       // bytes of a listpack without elements
)

func encodingOf(o *object) string {
	switch v := o.val.(type) {
	case *deque:
		return v.encoding()
	case *fields:
		return packed(v.size(), v.size() <= maxFields, "hashtable", v.sizes)
	case *members:
		if v.ints {
			return "intset"
		}
		return packed(v.size(), v.root == nil, "hashtable", v.sizes)
	case *sortedSet:
		return packed(v.size(), v.size() <= maxSmall, "skiplist", v.sizes)
	case *stream:
		return "stream"
	case resp.Value, *longString:
		return "raw"
	}
	if _, ok := o.integer(); ok {
		return "int"
	}
	if len(o.str) <= maxEmbedded {
		return "embstr"
	}
	return "raw"
}

// packed tells a compact value from one that is large, or has an element that
// is.
func packed(n int, small bool, large string, sizes func(n int, f func(key, val int))) string {
	if !small {
		return large
	}
	name := "listpack"
	sizes(n, func(key, val int) {
		if key > maxPacked || val > maxPacked {
			name = large
		}
	})
	return name
}

func (d *deque) encoding() string {
	bytes := emptyPack
	d.each(0, func(_ int, s string) bool {
		bytes += packedSize(s)
		return bytes <= maxListPack
	})
	if bytes <= maxListPack {
		return "listpack"
	}
	return "quicklist"
}

// packedSize returns how many bytes a short element takes in a listpack: its head,
// itself, and its length behind it.
func packedSize(s string) int {
	size := len(s) + 1
	if n, ok := parseInt([]byte(s)); ok {
		size = intSize(n)
	} else if len(s) >= 1<<12 {
		size += 4
	} else if len(s) >= 1<<6 {
		size++
	}
	if size >= 1<<7 {
		return size + 2
	}
	return size + 1
}

// intSize returns how many bytes an integer takes in a listpack without its length.
func intSize(n int64) int {
	switch {
	case n >= 0 && n < 1<<7:
		return 1
	case n >= -1<<12 && n < 1<<12:
		return 2
	case n == int64(int16(n)):
		return 3
	case n >= -1<<23 && n < 1<<23:
		return 4
	case n == int64(int32(n)):
		return 5
	}
	return 9
}

// sizes calls f with the sizes of the first n elements, as do the next three.
func (d *deque) sizes(n int, f func(key, val int)) {
	d.each(0, func(i int, s string) bool {
		f(len(s), 0)
		return i+1 < n
	})
}

func (h *fields) sizes(n int, f func(key, val int)) {
	h.each(func(e *entry[string]) bool {
		f(len(e.key), len(e.val))
		n--
		return n > 0
	})
}

func (m *members) sizes(n int, f func(key, val int)) {
	m.all(func(member string) bool {
		f(len(member), 0)
		n--
		return n > 0
	})
}

func (z *sortedSet) sizes(n int, f func(key, val int)) {
	z.order.each(0, min(n, z.size()), false, func(it scored) { f(len(it.member), 0) })
}

// encodingLook is the steps of looking at as many elements as a compact encoding
// may have.
const encodingLook = maxFields * cost.Element

func objectEncoding(tx *Tx, args [][]byte) resp.Value {
	o := tx.peek(args[2])
	if o == nil {
		return resp.Nil
	}
	tx.charge(encodingLook)
	return resp.Str(encodingOf(o))
}

func objectRefCount(tx *Tx, args [][]byte) resp.Value {
	if tx.peek(args[2]) == nil {
		return resp.Nil
	}
	return resp.Int(1)
}

func objectIdleTime(tx *Tx, args [][]byte) resp.Value {
	if tx.peek(args[2]) == nil {
		return resp.Nil
	}
	return resp.Int(0)
}

func objectFreq(tx *Tx, args [][]byte) resp.Value {
	if tx.peek(args[2]) == nil {
		return resp.Nil
	}
	return errNoFreq
}

func objectHelp(*Tx, [][]byte) resp.Value {
	return resp.List(
		resp.Status("OBJECT <subcommand> <key>. Subcommands are:"),
		resp.Status("ENCODING: the encoding that Redis would use for the value."),
		resp.Status("REFCOUNT: the number of references to the value, always 1."),
		resp.Status("IDLETIME: the seconds since the value was used, always 0."),
		resp.Status("FREQ: how often the value is used, which is not counted."),
		resp.Status("HELP: this text."),
	)
}

// chargeBytes counts the work of object.bytes, which measures a classic value anew.
func (tx *Tx) chargeBytes(o *object) {
	if v, ok := o.val.(resp.Value); ok {
		tx.chargeNested(&v)
	}
}

func (tx *Tx) chargeNested(v *resp.Value) {
	tx.charge(cost.Element + cost.Made(len(v.Str)))
	for i := range v.Elems {
		tx.chargeNested(&v.Elems[i])
	}
}

// memoryUsage answers what the key counts for maxmemory. All elements are counted,
// whatever SAMPLES says.
func memoryUsage(tx *Tx, args [][]byte) resp.Value {
	for rest := args[3:]; len(rest) > 0; rest = rest[2:] {
		if len(rest) == 1 || !equalFold(rest[0], "SAMPLES") {
			return errSyntax
		}
		n, ok := parseInt(rest[1])
		switch {
		case !ok:
			return errNotInteger
		case n < 0:
			return errSyntax
		}
	}
	o := tx.peek(args[2])
	if o == nil {
		return resp.Nil
	}
	tx.chargeBytes(o)
	return resp.Int(int64(keyOverhead + len(args[2]) + o.bytes()))
}
