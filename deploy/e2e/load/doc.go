// Package load is clients that write all the time and remember what was
// acknowledged, and the check of that against what the store holds.
//
// A Load runs in a pod, since Services can be reached only there, and is told
// what to do by HTTP. Time is cut into rounds, one for each event: each client
// has keys of its own in each round, so that a round can be checked when it is
// over, and all rounds once more at the end.
//
// There are two kinds of client. A plain one never tries a command again: each
// command without a good reply is an error that somebody saw. It appends ids to
// a list and increments a counter, where a write applied twice would show. The
// other kind is go-redis as it comes, which tries again by itself up to three
// times; it adds ids to a set, as who repeats a write must be able to.
package load
