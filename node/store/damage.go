package store

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/trivetdb/trivet/fsm"
)

// ErrDamaged is wrapped by all errors that say that the directory does not
// hold what was stored in it. The node must not run on it.
var ErrDamaged = errors.New("data directory is damaged")

// A place is a data directory's path, for messages.
type place string

// damage says that a part of the directory is damaged, and what to do.
type damage struct {
	at  place
	err error
}

// Error implements error.
func (d *damage) Error() string {
	return fmt.Sprintf("data directory %s is damaged: %v: move the directory away and start the node again: "+
		"it joins as a new member and copies the data from the others", string(d.at), d.err)
}

// Unwrap makes both ErrDamaged and the cause known to errors.Is.
func (d *damage) Unwrap() []error { return []error{ErrDamaged, d.err} }

// damaged returns an error that wraps ErrDamaged and err. What only a newer
// version can read is no damage, and moving it away would be a loss.
func (p place) damaged(err error) error {
	var known *damage
	switch {
	case err == nil || errors.As(err, &known):
		return err
	case errors.Is(err, fsm.ErrNewer):
		return fmt.Errorf("data directory %s: %w: start that version on it", string(p), err)
	}
	return &damage{at: p, err: err}
}

// damagedf is damaged with a message.
func (p place) damagedf(format string, args ...any) error {
	return p.damaged(fmt.Errorf(format, args...))
}

// guard is deferred around all use of bbolt, as
//
//	defer p.guard(debug.SetPanicOnFault(true), &err)
//
// bbolt maps its file into memory and trusts it: a bad page shows as a panic,
// a bad sector as a memory fault. Both become an error here.
func (p place) guard(fault bool, err *error) {
	debug.SetPanicOnFault(fault)
	if r := recover(); r != nil {
		*err = p.damagedf("raft.db or the log's segments: %v", r)
	}
}
