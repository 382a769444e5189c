package resp

import "math"

// A Kind tells what a Value holds.
type Kind uint8

// The kinds of Value. The zero Value is Null.
const (
	Null      Kind = iota // no value: $-1 in RESP2, _ in RESP3
	NullArray             // no array: *-1 in RESP2, _ in RESP3
	Simple                // a status such as OK
	Error                 // an error; Str starts with its code, as in "ERR syntax error"
	Integer               // a signed 64-bit integer in Int
	Bulk                  // a binary string
	Array                 // Elems in order
	Map                   // Elems alternate between key and value
	Set                   // Elems in the order they are written
	Double                // a floating point number, see Value.Float; Str is its text where that is not the shortest
	Bool                  // Int is 0 or 1
	Verbatim              // text for people; Str is the text, without the "txt:" prefix
	Push                  // out-of-band data, RESP3 only
	Pairs                 // Elems alternate; RESP3 has an array of each two, the others one flat array
	BigNumber             // an integer of any length in Str, see Big
	Keyed                 // Elems alternate between key and value; RESP3 has a map, the others an array of each two
)

// A Value is anything that the protocol can carry. Its strings are immutable,
// so values may be shared between goroutines.
type Value struct {
	Kind  Kind
	Int   int64 // Integer and Bool; the bits of a Double
	Str   string
	Elems []Value
}

// OK is the status that most writes answer.
var OK = Value{Kind: Simple, Str: "OK"}

// Nil is the null value.
var Nil = Value{}

// Int returns an Integer.
func Int(n int64) Value { return Value{Kind: Integer, Int: n} }

// Str returns a Bulk string.
func Str(s string) Value { return Value{Kind: Bulk, Str: s} }

// Status returns a Simple string; s must not hold CR or LF.
func Status(s string) Value { return Value{Kind: Simple, Str: s} }

// Err returns an Error; s starts with its code.
func Err(s string) Value { return Value{Kind: Error, Str: s} }

// List returns an Array of elems.
func List(elems ...Value) Value { return Value{Kind: Array, Elems: elems} }

// Strs returns an Array of Bulk strings.
func Strs(ss ...string) Value {
	elems := make([]Value, len(ss))
	for i, s := range ss {
		elems[i] = Str(s)
	}
	return Value{Kind: Array, Elems: elems}
}

// Dict returns a Map; keys and values alternate.
func Dict(elems ...Value) Value { return Value{Kind: Map, Elems: elems} }

// Couples returns Pairs of elems, the first and the second of each in turn.
func Couples(elems ...Value) Value { return Value{Kind: Pairs, Elems: elems} }

// Table returns a Keyed of elems; keys and values alternate.
func Table(elems ...Value) Value { return Value{Kind: Keyed, Elems: elems} }

// Float returns a Double.
func Float(f float64) Value { return Value{Kind: Double, Int: int64(math.Float64bits(f))} }

// Truth returns a Bool.
func Truth(b bool) Value {
	v := Value{Kind: Bool}
	if b {
		v.Int = 1
	}
	return v
}

// Big returns a BigNumber, or a Bulk string where s is not an integer in decimals.
func Big(s string) Value {
	if !bigNumber([]byte(s)) {
		return Str(s)
	}
	return Value{Kind: BigNumber, Str: s}
}

// Text returns a Verbatim string of format txt.
func Text(s string) Value { return Value{Kind: Verbatim, Str: s} }

// Float returns the number that a Double holds.
func (v Value) Float() float64 { return math.Float64frombits(uint64(v.Int)) }

// IsError reports whether v is an Error.
func (v Value) IsError() bool { return v.Kind == Error }
