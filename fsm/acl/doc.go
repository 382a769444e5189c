// Package acl holds the users, the rules that say what they may do, and the
// check of a command against them.
//
// A user's rules are kept as they were given, in the order that counts: the last
// rule that speaks of a command decides. So nothing here needs to know which
// commands there are. Whoever takes rules from a client has them checked against
// the names it knows; in the log, rules of a newer version are as good as others.
//
// All values are immutable once they are in a [Users]. The package does no I/O
// and has no clock.
package acl
