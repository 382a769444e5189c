package resp

import "math"

// Limits bound what a reader accepts. A field that is zero means that of
// [DefaultLimits].
type Limits struct {
	Bulk   int  // bytes of one string
	Args   int  // elements of one array; a pair of a map counts as two
	Inline int  // bytes of one line: an inline command, or the header of a string or array
	Depth  int  // arrays within arrays
	Total  int  // bytes of one whole request; ReadValue and ParseValue add ElemCost for each value in it
	Guest  bool // errors of ReadCommand name the missing authentication, as Redis's do
}

// ElemCost is what a value costs of Limits.Total besides its bytes. It is the
// memory of a Value: else a request of three-byte nulls would take twenty times
// its size, and a limit in bytes would limit nothing.
const ElemCost = 56

// DefaultLimits suit requests from clients.
var DefaultLimits = Limits{
	Bulk:   64 << 20,
	Args:   1 << 20,
	Inline: 64 << 10,
	Depth:  1024,
	Total:  128 << 20,
}

// GuestLimits suit requests of clients that have not said who they are: enough
// for HELLO and AUTH. They are Redis's.
var GuestLimits = Limits{
	Bulk:   16 << 10,
	Args:   10,
	Inline: 64 << 10,
	Depth:  8,
	Total:  256 << 10,
	Guest:  true,
}

// NoLimits are for bytes that this program wrote itself, such as its log: what
// was accepted once must never be refused when it is read back.
var NoLimits = Limits{
	Bulk:   math.MaxInt,
	Args:   math.MaxInt,
	Inline: math.MaxInt,
	Depth:  math.MaxInt,
	Total:  math.MaxInt,
}

// orDefault fills in the fields that are zero.
func (l Limits) orDefault() Limits {
	set := func(field *int, value int) {
		if *field <= 0 {
			*field = value
		}
	}
	set(&l.Bulk, DefaultLimits.Bulk)
	set(&l.Args, DefaultLimits.Args)
	set(&l.Inline, DefaultLimits.Inline)
	set(&l.Depth, DefaultLimits.Depth)
	set(&l.Total, DefaultLimits.Total)
	return l
}

// A ProtocolError tells that the bytes break the protocol. What follows them
// cannot be understood: the connection is to be closed after it is told so.
type ProtocolError struct {
	Text string // the reply to the client, as it stands behind the minus sign
}

// Error returns the text of the reply.
func (e ProtocolError) Error() string { return e.Text }

// What Redis answers to a request that it cannot read.
var (
	errMultibulkLength = ProtocolError{"ERR Protocol error: invalid multibulk length"}
	errBulkLength      = ProtocolError{"ERR Protocol error: invalid bulk length"}
	errGuestMultibulk  = ProtocolError{"ERR Protocol error: unauthenticated multibulk length"}
	errGuestBulk       = ProtocolError{"ERR Protocol error: unauthenticated bulk length"}
	errLongMultibulk   = ProtocolError{"ERR Protocol error: too big mbulk count string"}
	errLongBulk        = ProtocolError{"ERR Protocol error: too big bulk count string"}
	errLongInline      = ProtocolError{"ERR Protocol error: too big inline request"}
	errQuotes          = ProtocolError{"ERR Protocol error: unbalanced quotes in request"}
	errTooBig          = ProtocolError{"ERR Protocol error: too big request"} // ours: Redis has no such limit
)

// What the article answers, and two of the same tone.
var (
	errBadRequest = ProtocolError{"bad request"}
	errTooDeep    = ProtocolError{"bad request: nested too deep"}
	errTooLarge   = ProtocolError{"bad request: too large"}
)

// errExpected is Redis's answer to an argument that is not a bulk string.
func errExpected(got byte) ProtocolError {
	if got == '\r' || got == '\n' {
		got = ' ' // as in any error, lest the line break
	}
	return ProtocolError{"ERR Protocol error: expected '$', got '" + string([]byte{got}) + "'"}
}
