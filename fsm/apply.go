package fsm

import (
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/fsm/lua"
	"github.com/trivetdb/trivet/resp"
)

// Outcome says what became of a batch.
type Outcome uint8

// The outcomes of a batch.
const (
	Applied    Outcome = iota // now
	Replayed                  // earlier: the replies are the remembered ones
	Superseded                // never: its origin has gone on without it
	Deferred                  // not yet: the entry was long already, and it is to be sent again as it is
)

// A Result is what Apply says of one batch.
type Result struct {
	Outcome Outcome
	// Replies are one a command; they must not be changed.
	// Where they are fewer than the commands of a batch that was applied, now or earlier,
	// the others were left out, as the entry was long already: they have no effect,
	// and may be sent in another batch. A batch that was applied has one reply at least,
	// unless its origin was taken out of the cluster since.
	Replies []resp.Value
}

// enough is how many steps an entry may take before the rest of it is left out.
// With it and cost.Limit, which its last command may take, an entry stays below
// half a second.
const enough = cost.Limit / 4

// enoughReplies is how many bytes of replies a batch may have before the rest of
// it is left out.
const enoughReplies = MaxReply / 4

// Apply applies the entry at index and returns a result for each of its
// batches. An error means that this node cannot go on: the entry is damaged or
// from a newer version, and the state may hold a part of it.
//
// A panic in a command ends that command alone, or the transaction that it is part of,
// without effect, the same on every node. Mostly nothing was written by then. Where
// something was, the entry begins again, without what ended, and with a savepoint
// before each other command.
func (s *State) Apply(index uint64, e Entry) ([]Result, error) {
	if s.level < LevelBounds {
		return s.applyEntry(&applying{}, index, e)
	}
	s.stretch.begin(s)
	before := s.mark()
	first := &applying{fenced: true}
	results, err := s.applyEntry(first, index, e)
	if err != errAgain {
		s.stretch.add(s, index, e, first.spent)
		return results, err
	}
	s.unsay(before)
	if err := s.stretch.again(s); err != nil {
		return nil, err
	}
	defer s.stretch.end(s)
	return s.applyEntry(&applying{fenced: true, broken: first.broken}, index, e)
}

func (s *State) applyEntry(a *applying, index uint64, e Entry) ([]Result, error) {
	s.index = index
	s.now = max(s.now, e.Time)
	s.removeDue()
	s.forgetLoading()
	a.chance = newChance(e.Seed)
	results, err := s.applyBatches(a, e.Batches)
	if err != errAgain {
		s.raise()
	}
	return results, err
}

// errAgain says that what is broken had written something when it ended, and that
// there is no savepoint right before it.
var errAgain = errors.New("the entry is to be applied with savepoints")

// applying is an entry that is being applied.
type applying struct {
	chance  *chance
	fenced  bool    // bounds hold, and panics end commands
	begun   int     // commands and transactions
	broken  *broken // when the entry is applied again, and each command has a savepoint
	spent   int     // steps
	replied int     // bytes of the replies of the batch that is applied
}

// A broken is the command or transaction of an entry for which the entry begins again.
// It is not run again: it would end as it did.
type broken struct {
	at             int // its number, as applying.begun counts
	command        *Command
	why            any // an overrun or a Panic
	spent, replied int
}

// breaks notes that a command ended, for which the entry is to begin again.
func (a *applying) breaks(c *Command, why any, tx *Tx) error {
	a.broken = &broken{a.begun, c, why, cost.Limit - max(tx.meter.Left(), 0), tx.replied}
	return errAgain
}

// begin begins a command or a transaction. Where it is the one that is broken, it
// returns that.
func (a *applying) begin() *broken {
	a.begun++
	if a.broken == nil || a.broken.at != a.begun {
		return nil
	}
	a.spent += a.broken.spent
	a.replied += a.broken.replied
	return a.broken
}

func (a *applying) full() bool { return a.fenced && (a.spent >= enough || a.replied >= enoughReplies) }

func (s *State) applyBatches(a *applying, batches []Batch) ([]Result, error) {
	results := make([]Result, len(batches))
	for i := range batches {
		r, err := s.applyBatch(a, &batches[i])
		if err == errAgain {
			return nil, err
		}
		if err != nil {
			return nil, fmt.Errorf("entry %d: %w", s.index, err)
		}
		results[i] = r
	}
	return results, nil
}

func (s *State) applyBatch(a *applying, b *Batch) (Result, error) {
	o, known := s.origins[b.Origin.ID]
	switch {
	case b.Origin.Life == o.life && b.Seq == o.seq:
		return Result{Outcome: Replayed, Replies: o.replies}, nil
	case b.Origin.Life < o.life, b.Origin.Life == o.life && b.Seq < o.seq:
		return Result{Outcome: Superseded}, nil
	}
	if a.full() {
		return Result{Outcome: Deferred}, nil
	}
	a.replied = 0
	replies, err := s.applyGroups(a, b.Origin.ID, b.Body)
	if err != nil {
		return Result{}, err
	}
	if a.fenced && a.broken == nil {
		s.undo.other(func() {
			if known {
				s.origins[b.Origin.ID] = o
			} else {
				delete(s.origins, b.Origin.ID)
			}
		})
	}
	s.origins[b.Origin.ID] = origin{b.Origin.Life, b.Seq, replies}
	return Result{Applied, replies}, nil
}

// applyGroups applies the groups of a batch, or as many of their commands as the
// entry still has room for.
func (s *State) applyGroups(a *applying, from uint64, body []byte) (replies []resp.Value, err error) {
	d := decoder{b: body}
	tx := Tx{st: s, now: s.now, write: true, chance: a.chance, origin: from}
	for len(d.b) > 0 && d.err == nil {
		db, atomic, n := d.group(s.level)
		if d.err != nil {
			break
		}
		if a.full() {
			return replies, nil
		}
		tx.db, tx.skip, tx.woken, tx.admitted = db, false, false, false
		replies = slices.Grow(replies, int(min(n, uint64(len(d.b)))))
		if atomic {
			more, err := s.applyAtomic(a, &tx, &d, n)
			if err != nil {
				return nil, err
			}
			replies = append(replies, more...)
			continue
		}
		for ; n > 0 && d.err == nil; n-- {
			if a.full() && !tx.skip && !tx.woken && !tx.admitted {
				return replies, nil
			}
			v, err := s.applyAlone(a, &tx, &d)
			if err != nil {
				return nil, err
			}
			replies = append(replies, v)
		}
	}
	return replies, d.err
}

// group reads the head of a group.
func (d *decoder) group(level uint64) (db int, atomic bool, commands uint64) {
	head := d.byte()
	if level >= LevelBounds {
		atomic, head = head&atomicGroup != 0, head&^atomicGroup
	}
	if commands = d.uvarint(); head >= Databases {
		d.fail()
	}
	return int(head), atomic, commands
}

// applyAlone applies a command that is no part of a transaction.
func (s *State) applyAlone(a *applying, tx *Tx, d *decoder) (resp.Value, error) {
	c, err := s.command(d)
	if err != nil {
		return resp.Nil, err
	}
	if !a.fenced {
		tx.meter = cost.Unlimited()
		return s.applyCommand(tx, c)
	}
	if b := a.begin(); b != nil {
		return s.ended(c, b.why), nil
	}
	was, before := *tx, s.mark()
	tx.meter, tx.replied = cost.New(cost.Limit), 0
	var start *savepoint
	if a.broken != nil {
		p := s.save()
		start = &p
	}
	v, why, err := s.fence(tx, c)
	a.spent += cost.Limit - max(tx.meter.Left(), 0)
	a.replied += tx.replied
	if why == nil || err != nil {
		return v, err
	}
	switch {
	case start != nil:
		s.rollback(start)
	case s.undo.wrote(before):
		return resp.Nil, a.breaks(c, why, tx)
	}
	s.unsay(before)
	*tx = was
	return s.ended(c, why), nil
}

// applyAtomic applies the commands of a transaction: all, or none of them.
func (s *State) applyAtomic(a *applying, tx *Tx, d *decoder, n uint64) (replies []resp.Value, err error) {
	if b := a.begin(); b != nil {
		return s.aborted(d, n, n, b.command, b.why)
	}
	tx.meter, tx.replied = cost.New(cost.Limit), 0
	defer func() {
		a.spent += cost.Limit - max(tx.meter.Left(), 0)
		a.replied += tx.replied
	}()
	var start savepoint
	if a.broken != nil {
		start = s.save()
	}
	for left := n; left > 0; left-- {
		c, err := s.command(d)
		if err != nil {
			return nil, err
		}
		v, why, err := s.fence(tx, c)
		if err != nil {
			return nil, err
		}
		switch {
		case why == nil:
			replies = append(replies, v)
		case a.broken == nil:
			return nil, a.breaks(c, why, tx)
		default:
			s.rollback(&start)
			s.unsay(start.mark)
			return s.aborted(d, n, left-1, c, why)
		}
	}
	return replies, d.err
}

// aborted returns the replies to the n commands of a transaction that c ended, whose
// last ones are still to be read.
func (s *State) aborted(d *decoder, n, left uint64, c *Command, why any) ([]resp.Value, error) {
	v := resp.Err(ExecAbort + s.ended(c, why).Str)
	for ; left > 0 && d.err == nil; left-- {
		d.skip()
	}
	return slices.Repeat([]resp.Value{v}, int(n)), d.err
}

// ExecAbort begins the replies to all commands of a transaction that was ended
// without effect. No command answers so.
const ExecAbort = "EXECABORT Transaction discarded because of: "

// command reads the next command into argv and returns its row.
func (s *State) command(d *decoder) (*Command, error) {
	s.argv, s.typed = s.argv[:0], s.typed[:0]
	for argc := d.uvarint(); argc > 0 && d.err == nil; argc-- {
		arg, typed := d.argument()
		s.argv = append(s.argv, arg)
		s.typed = append(s.typed, typed)
	}
	if d.err == nil && len(s.argv) == 0 {
		d.fail()
	}
	if d.err != nil {
		return nil, d.err
	}
	c := table[string(s.argv[0])]
	if c == nil {
		return nil, fmt.Errorf("command %q: %w", s.argv[0], ErrNewer)
	}
	if !c.ArityOK(len(s.argv)) { // the door lets none through that this version knows
		return nil, fmt.Errorf("command %q with %d arguments: %w", s.argv[0], len(s.argv), ErrNewer)
	}
	return c, nil
}

// applyCommand runs the command in argv.
func (s *State) applyCommand(tx *Tx, c *Command) (resp.Value, error) {
	if tx.skip {
		return resp.Value{Kind: resp.NullArray}, nil
	}
	if tx.refuses(c) {
		return errOOM, nil
	}
	tx.typed, tx.reads = s.typed, c.Flags&Read != 0
	v := c.Run(tx, s.argv)
	s.settle()
	return v, tx.fault
}

// fence runs the command in argv, and returns why it was ended: an overrun or a
// Panic, nil where it was not.
func (s *State) fence(tx *Tx, c *Command) (v resp.Value, why any, err error) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case overrun:
			why = p
		default:
			why = Panic{c.Name, fmt.Sprint(p), string(debug.Stack())}
		}
	}()
	if v, err = s.applyCommand(tx, c); err == nil {
		if tx.replied += replySize(v); tx.replied > MaxReply {
			why = overrun{errReply}
		}
	}
	return v, why, err
}

// ended notes that a command was ended and returns what the client is told.
func (s *State) ended(c *Command, why any) resp.Value {
	if o, ok := why.(overrun); ok {
		s.overruns++
		return o.why
	}
	s.panics = append(s.panics, why.(Panic))
	s.machine = lua.Machine{} // it may be in the middle of something
	return errFault
}

// A Panic is a fault of trivet that ended a command without effect.
type Panic struct{ Command, Value, Stack string }

// TakePanics returns the commands that were ended by a fault since the last call.
func (s *State) TakePanics() []Panic {
	panics := s.panics
	s.panics = nil
	return panics
}

// Overruns returns how many commands and transactions were ended at a bound of
// work or of replies since the process started or restored a snapshot, so it is
// not replicated.
func (s *State) Overruns() uint64 { return s.overruns }
