// Package resp is the wire: what clients and servers say to each other, as
// bytes. It knows three dialects, [RESP2], [RESP3] and [Classic], and a fourth
// form, [Canonical], in which values are stored.
//
// A [Value] is anything that can be said. [Value.Append] writes one. A [Reader]
// reads requests from a stream: [Reader.ReadCommand] the arguments of a Redis
// command, [Reader.ReadValue] a value of any dialect. [ParseValue] reads a value
// from memory.
//
// The invariants:
//
//   - No memory is ever allocated by a length that a client merely claimed;
//     it grows with the bytes that arrived, within [Limits].
//   - No bytes, however wrong, cause a panic. They cause a [ProtocolError].
//   - What Append wrote as Canonical reads back as the same value, given that
//     its statuses and errors are single lines and its maps and pairs are even.
//
// The package does no input or output but through the io.Reader it is given,
// starts no goroutines, and knows no command.
package resp
