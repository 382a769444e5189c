// Package server is the front of a node: it listens for Redis clients and for
// those of the article ("classic"), reads their requests, decides where each
// command runs, and writes the replies.
//
// A [Server] holds the listeners and the command table: the rows of package fsm
// plus the local ones that need the connection or the node. A session serves one
// connection in one goroutine. A [Backend], which the node implements, applies
// writes and answers reads.
//
// The invariant: replies leave in the order of the requests, and a write's reply
// never before the Backend has answered for it. Where the Backend cannot tell
// what became of a write, the connection closes without a reply.
//
// All checks that need only the row (name, arity, authentication) happen once,
// in session.resolve. Where a command runs is decided in one place, routeOf.
package server
