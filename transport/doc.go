// Package transport links the nodes of a cluster. It moves bytes and knows
// nothing of what they mean.
//
// A [Network] is where connections come from: [TCP] in production, [Memory]
// in tests. A [Mux] owns a node's one peer port: the first byte of each
// connection tells a raft stream, which is handed over untouched, from a call
// connection, which it serves itself. A [Link] is the calling side: many calls
// in flight on one connection to one peer.
//
// The one invariant: [ErrNotSent] is returned only for a request of which no
// byte was offered to the network; whatever is in doubt is [ErrUnknown]. The
// caller may send the first kind again anywhere; the second may have taken
// effect.
//
// On the wire, where the node has a secret, both sides first prove that they know it,
// see proof.go. Then a dialer sends
//
//	kind ('R' or 'C') | length byte | cluster identity | length byte | node identity
//
// and the acceptor answers 0, or 1 | length byte | reason, and closes. Then a
// raft stream belongs to raft. A call connection carries, both ways, frames of
//
//	uint32 length of body | uint64 id | byte kind | body
//
// big endian, and each side sends a ping at a fixed interval so that the other
// can tell silence from idleness. Under TLS all of this is inside the session.
package transport
