// Package lua runs Lua 5.1 scripts as Redis does, on gopher-lua.
//
// A [Program] is a compiled script. A [Machine] runs it with a [Host], which
// carries out the commands that it calls, and returns its reply. A [Library] holds
// functions, which a machine calls; nothing in it outlives a call.
//
// The invariant: a run depends on the script, its arguments and the host's
// answers only. There is no clock, no chance but the host's, no address of
// anything in memory and no order of a Go map. Work is counted, not timed: a
// script that exceeds [Budget] ends at the same instruction everywhere.
//
// From the cluster's level of bounds on, runs are strict: they share the cost.Meter
// of the command that runs them, and everything that takes time or memory is paid for
// before it is done, so that a run holds some 200 MB at most; see bounds.go and
// rewritestrict.go. Runs below that level count as they always did.
//
// Where gopher-lua differs from Lua 5.1 in what scripts can see, this package
// makes up for it. Operators that cannot be overridden are rewritten before
// compilation, see rewrite.go; the libraries are all our own.
//
// A program may be run by several machines at once. All that runs share, the
// libraries above all, is never changed once it is built.
package lua
