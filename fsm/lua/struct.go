package lua

import (
	"encoding/binary"
	"math"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// The library struct.
var structFunctions = map[string]function{"pack": structPack, "unpack": structUnpack, "size": structSize}

const (
	maxIntegerSize = 32
	nativeAlign    = 8
)

// A layout walks a format: each option has a size and an alignment.
type layout struct {
	call   call
	format string
	big    bool
	align  int
	total  int // bytes so far
}

func (c call) layout() *layout {
	format := c.str(1)
	c.pay(2 * len(format))
	return &layout{call: c, format: format, align: 1}
}

// digits reads a number, or returns standard where there is none.
func (l *layout) digits(standard int) int {
	if l.format == "" || l.format[0] < '0' || l.format[0] > '9' {
		return standard
	}
	n := 0
	for l.format != "" && l.format[0] >= '0' && l.format[0] <= '9' {
		digit := int(l.format[0] - '0')
		if n > (math.MaxInt32-digit)/10 {
			l.call.raise("integral size overflow")
		}
		n = n*10 + digit
		l.format = l.format[1:]
	}
	return n
}

// next returns the next option that has a value or takes space, with its size
// and how many bytes of padding come before it. It is 0 at the end.
func (l *layout) next() (option byte, size, padding int) {
	for l.format != "" {
		option, l.format = l.format[0], l.format[1:]
		switch option {
		case ' ':
			continue
		case '<', '>':
			l.big = option == '>'
			continue
		case '!':
			l.align = l.digits(nativeAlign)
			if l.align <= 0 || l.align&(l.align-1) != 0 {
				l.call.raise("alignment %d is not a power of 2", l.align)
			}
			continue
		}
		size = l.size(option)
		if align := min(l.align, size); align > 1 && option != 'c' {
			padding = (align - l.total&(align-1)) & (align - 1)
		}
		l.total += padding + size
		return option, size, padding
	}
	return 0, 0, 0
}

func (l *layout) size(option byte) int {
	switch option {
	case 'b', 'B', 'x':
		return 1
	case 'h', 'H':
		return 2
	case 'f':
		return 4
	case 'l', 'L', 'T', 'd':
		return 8
	case 'c':
		return l.digits(1)
	case 'i', 'I':
		n := l.digits(4)
		if n > maxIntegerSize {
			l.call.raise("integral size %d is larger than limit of %d", n, maxIntegerSize)
		}
		return n
	}
	return 0 // strings, and what is no option
}

func (l *layout) invalid(option byte) { l.call.argError(1, "invalid format option '%c'", option) }

func structSize(c call) int {
	l := c.layout()
	for {
		option, size, _ := l.next()
		switch {
		case option == 0:
			return c.pushNumber(float64(l.total))
		case option == 's':
			c.argError(1, "option 's' has no fixed size")
		case option == 'c' && size == 0:
			c.argError(1, "option 'c0' has no fixed size")
		}
	}
}

func structPack(c call) int {
	l := c.layout()
	arg := 1
	var b []byte
	for {
		option, size, padding := l.next()
		if option == 0 {
			return c.pushText(string(b))
		}
		b = append(b, make([]byte, padding)...)
		switch option {
		case 'x':
			b = append(b, 0)
			continue
		case 'b', 'B', 'h', 'H', 'l', 'L', 'T', 'i', 'I':
			arg++
			b = l.integer(b, c.present(arg), size)
		case 'f':
			arg++
			b = l.bits(b, uint64(floatBits32(float32(c.present(arg)))), 4)
		case 'd':
			arg++
			b = l.bits(b, floatBits(c.present(arg)), 8)
		case 's', 'c':
			arg++
			b = l.text(b, arg, option, size)
		default:
			l.invalid(option)
		}
		if len(b) > maxString {
			c.raise("resulting string too large")
		}
	}
}

// present is num, whose error says nil for an argument that is missing.
func (c call) present(n int) float64 {
	if n > c.GetTop() {
		c.argError(n, "number expected, got nil")
	}
	return c.num(n)
}

// floatBits returns the bits of a number; all NaN are the same.
func floatBits(f float64) uint64 {
	if f != f {
		return 0xfff8 << 48
	}
	return math.Float64bits(f)
}

func floatBits32(f float32) uint32 {
	if f != f {
		return 0xffc0 << 16
	}
	return math.Float32bits(f)
}

// integer writes a number of size bytes. What is past the low eight is zero, as
// in the original, even where the number is negative.
func (l *layout) integer(b []byte, f float64, size int) []byte {
	var n uint64
	if f < 0 {
		n = uint64(toInt(f))
	} else {
		n = toUnsigned(f)
	}
	if size <= 8 {
		return l.bits(b, n, size)
	}
	zeros := make([]byte, size-8)
	if l.big {
		return l.bits(append(b, zeros...), n, 8)
	}
	return append(l.bits(b, n, 8), zeros...)
}

// bits writes the low size bytes of n.
func (l *layout) bits(b []byte, n uint64, size int) []byte {
	var raw [8]byte
	if l.big {
		binary.BigEndian.PutUint64(raw[:], n)
		return append(b, raw[8-size:]...)
	}
	binary.LittleEndian.PutUint64(raw[:], n)
	return append(b, raw[:size]...)
}

func (l *layout) text(b []byte, arg int, option byte, size int) []byte {
	if arg > l.call.GetTop() {
		l.call.argError(arg, "string expected, got nil")
	}
	s := l.call.str(arg)
	if size == 0 {
		size = len(s)
		l.total += size
	}
	if len(s) < size {
		l.call.argError(arg+1, "string too short")
	}
	l.call.payMade(size)
	if l.call.run().strict() && len(b)+size > maxStrictString {
		l.call.raise("resulting string too large")
	}
	b = append(b, s[:size]...)
	if option == 's' {
		b = append(b, 0)
		l.total++
	}
	return b
}

func structUnpack(c call) int {
	l := c.layout()
	data := c.str(2)
	offset := c.optInt(3, 1)
	if offset == 0 {
		c.argError(3, "offset must be 1 or greater")
	}
	if offset < 0 || offset-1 > len(data) {
		c.argError(2, "data string too short")
	}
	pos := offset - 1
	l.total = pos
	n := 0
	var last lua.LValue = lua.LNil // what c0 takes for its size
	for {
		option, size, padding := l.next()
		if option == 0 {
			c.spread(n)
			return n + c.pushNumber(float64(pos+1))
		}
		pos += padding
		if size > len(data)-pos {
			c.argError(2, "data string too short")
		}
		var v lua.LValue
		switch option {
		case 'x':
			pos++
			continue
		case 'b', 'h', 'l', 'i', 'B', 'H', 'L', 'T', 'I', 'f', 'd':
			v = l.number(option, data[pos:pos+size])
		case 'c':
			if size == 0 {
				size = l.previous(last, len(data)-pos)
				n--
				c.Pop(1)
			}
			v = lua.LString(data[pos : pos+size])
		case 's':
			end := strings.IndexByte(data[pos:], 0)
			c.payRead(max(end, 0))
			if end < 0 {
				c.raise("unfinished string in data")
			}
			v = lua.LString(data[pos : pos+end])
			l.total += end + 1
			pos += end + 1
		default:
			l.invalid(option)
		}
		pos += size
		if n++; n+c.GetTop() > maxStack {
			c.raise("too many results to unpack")
		}
		c.charge(1 + size/bytesPerStep)
		c.Push(v)
		last = v
	}
}

// previous returns the size that the value before c0 gives.
func (l *layout) previous(v lua.LValue, left int) int {
	f, ok := v.(lua.LNumber)
	if !ok {
		l.call.raise("format 'c0' needs a previous size")
	}
	size := toInt(float64(f))
	if size < 0 || size > int64(left) {
		l.call.argError(2, "data string too short")
	}
	l.total += int(size)
	return int(size)
}

// uint reads a number of at most 8 bytes.
func (l *layout) uint(s string) (n uint64) {
	for i := range len(s) {
		at := i
		if !l.big {
			at = len(s) - 1 - i
		}
		n = n<<8 | uint64(s[at])
	}
	return n
}

// number reads a number; of a large integer, the low 8 bytes count.
func (l *layout) number(option byte, s string) lua.LValue {
	switch option {
	case 'f':
		return lua.LNumber(math.Float32frombits(uint32(l.uint(s))))
	case 'd':
		return lua.LNumber(math.Float64frombits(l.uint(s)))
	}
	if len(s) > 8 {
		if l.big {
			s = s[len(s)-8:]
		} else {
			s = s[:8]
		}
	}
	n := l.uint(s)
	if option < 'a' { // unsigned
		return lua.LNumber(n)
	}
	unused := 64 - 8*len(s)
	if unused == 64 {
		return lua.LNumber(0)
	}
	return lua.LNumber(int64(n<<unused) >> unused)
}
