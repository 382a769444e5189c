// Package fsm is the replicated state machine: all that trivet stores, and
// what each command does to it.
//
// An [Entry] of the log carries the leader's time, a seed and the batches of
// one or more origins. [State.Apply] applies each batch exactly once and
// returns its replies; [State.Read] answers a command that changes nothing;
// [State.Freeze] gives a view that can be encoded while Apply goes on.
//
// The invariant: two states that applied the same entries encode to the same
// bytes. Nothing here reads a clock, draws chance, starts a goroutine, takes a
// lock or lets the order of a Go map show. Time and the seed come with the
// entry; iteration is always in a defined order.
//
// A command is one row of the table ([Commands]) and one function in the file
// of its family: adding one touches no other file.
//
// State is not safe for concurrent use, with two exceptions: any number of
// Reads may run together while no Apply runs, and a [Frozen] view may be
// encoded while Apply runs.
package fsm
