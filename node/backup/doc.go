// Package backup is the form of a backup: a header that says what it is, and then
// the state as package fsm encodes it, which ends with a checksum of its own. It
// knows nothing of what is in the state.
package backup
