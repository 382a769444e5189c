package fsm

import (
	"math"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// The rows that wait for data. The state knows no waiting: a row is the attempt,
// which answers null where there is nothing. When to attempt is for the node to
// say, see Wait.
var blockingCommands = []Command{
	{Spec{"BLPOP", -3, Write | NoScript | Blocking, Keys{1, -2, 1}, "list", "Pop the first element of the first list that has one; wait for one.", "2.0.0"}, attempt("BLPOP")},
	{Spec{"BRPOP", -3, Write | NoScript | Blocking, Keys{1, -2, 1}, "list", "Pop the last element of the first list that has one; wait for one.", "2.0.0"}, attempt("BRPOP")},
	{Spec{"BLMOVE", 6, Write | DenyOOM | NoScript | Blocking, Keys{1, 2, 1}, "list", "Move an element from one list to another; wait for one.", "6.2.0"}, attempt("BLMOVE")},
	{Spec{"BRPOPLPUSH", 4, Write | DenyOOM | NoScript | Blocking, Keys{1, 2, 1}, "list", "Move the last element of a list to the front of another; wait for one.", "2.2.0"}, attempt("BRPOPLPUSH")},
	{Spec{"BLMPOP", -5, Write | Blocking | MovableKeys | CountAt2, Keys{}, "list", "Pop elements of the first list that has some; wait for some.", "7.0.0"}, attempt("BLMPOP")},
	{Spec{"BZPOPMIN", -3, Write | NoScript | Blocking | Fast, Keys{1, -2, 1}, "sorted-set", "Pop the member with the lowest score of the first sorted set that has one; wait for one.", "5.0.0"}, attempt("BZPOPMIN")},
	{Spec{"BZPOPMAX", -3, Write | NoScript | Blocking | Fast, Keys{1, -2, 1}, "sorted-set", "Pop the member with the highest score of the first sorted set that has one; wait for one.", "5.0.0"}, attempt("BZPOPMAX")},
	{Spec{"BZMPOP", -5, Write | Blocking | MovableKeys | CountAt2, Keys{}, "sorted-set", "Pop members of the first sorted set that has some; wait for some.", "7.0.0"}, attempt("BZMPOP")},
	{Spec{"TX|WOKEN", 1, Write | Internal | Alias, Keys{}, "transactions", "Let the blocking command that follows pass over keys of another type: it has waited.", "2.0.0"}, txWoken},
}

// A Wait says what a blocking command waits for: that one of the keys has
// elements of the kind.
type Wait struct {
	Keys    [][]byte // parts of the command's arguments
	Kind    WaitKind
	Timeout int64  // milliseconds, 0 for ever
	Group   string // of WaitGroup
	Count   int64  // the most entries that it takes, 0 for all; of WaitGroup
	after   []streamID
}

// A WaitKind is a kind of value that can be waited for.
type WaitKind uint8

// The kinds that can be waited for.
const (
	WaitNone WaitKind = iota
	WaitList
	WaitZSet
	WaitStream // entries past an ID of each key
	WaitGroup  // entries that a consumer group has not got
	waitOther  // a value that nobody waits for
)

// Waits reports whether a command waits for data: not all that Redis calls
// blocking do so here, and some only when asked to.
func Waits(c *Command, args [][]byte) bool {
	switch {
	case c == nil || c.Flags&Blocking == 0:
		return false
	case c.Group == "stream":
		opt, fail := parseXRead(args)
		return !fail.IsError() && opt.block >= 0
	}
	return blockers[c.Name] != nil
}

// WaitOf returns what a command that waits is waiting for, or the error reply to
// its arguments.
func WaitOf(c *Command, args [][]byte) (w Wait, fail resp.Value) {
	if c.Group == "stream" {
		return waitForEntries(args)
	}
	return blockers[c.Name].parse(args)
}

// Elements returns what a key holds at a time: elements of a kind that can be
// waited for, or something else, or nothing.
func (s *State) Elements(db int, key string, now int64) (kind WaitKind, n int) {
	tx := Tx{st: s, db: db, now: max(s.now, now), meter: cost.Unlimited()}
	switch o := tx.peek([]byte(key)); {
	case o == nil:
		return WaitNone, 0
	case o.kind == kindList:
		return WaitList, o.val.(container).size()
	case o.kind == kindZSet:
		return WaitZSet, o.val.(container).size()
	}
	return waitOther, 0
}

// A blocker is the part of a blocking row that is its own.
type blocker struct {
	parse func(args [][]byte) (Wait, resp.Value)
	pop   func(tx *Tx, args [][]byte, key []byte) resp.Value // from a key that has something
	null  resp.Value                                         // the answer where no key has
}

var blockers = map[string]*blocker{
	"BLPOP":      {keysThenTimeout(WaitList), popElement(true), resp.Value{Kind: resp.NullArray}},
	"BRPOP":      {keysThenTimeout(WaitList), popElement(false), resp.Value{Kind: resp.NullArray}},
	"BLMOVE":     {parseBLMove, func(tx *Tx, args [][]byte, _ []byte) resp.Value { return lmove(tx, args) }, resp.Nil},
	"BRPOPLPUSH": {parseBRPopLPush, func(tx *Tx, args [][]byte, _ []byte) resp.Value { return rpoplpush(tx, args) }, resp.Nil},
	"BLMPOP":     {timeoutThenCount(WaitList, "LEFT", "RIGHT"), popMany("LMPOP", lmpop), resp.Value{Kind: resp.NullArray}},
	"BZPOPMIN":   {keysThenTimeout(WaitZSet), popMember(false), resp.Value{Kind: resp.NullArray}},
	"BZPOPMAX":   {keysThenTimeout(WaitZSet), popMember(true), resp.Value{Kind: resp.NullArray}},
	"BZMPOP":     {timeoutThenCount(WaitZSet, "MIN", "MAX"), popMany("ZMPOP", zmpop), resp.Value{Kind: resp.NullArray}},
}

// attempt returns the code of a row.
func attempt(name string) func(*Tx, [][]byte) resp.Value {
	b := blockers[name]
	return func(tx *Tx, args [][]byte) resp.Value {
		w, fail := b.parse(args)
		if fail.IsError() {
			return fail
		}
		woken := tx.woken
		tx.woken = false
		for _, key := range w.Keys {
			tx.charge(cost.Lookup + cost.Read(len(key)))
			switch kind, _ := tx.st.Elements(tx.db, string(key), tx.now); {
			case kind == w.Kind:
				return b.pop(tx, args, key)
			case kind != WaitNone && !woken:
				return errWrongType
			}
		}
		return b.null
	}
}

func txWoken(tx *Tx, _ [][]byte) resp.Value {
	tx.woken = true
	return resp.OK
}

func popElement(front bool) func(*Tx, [][]byte, []byte) resp.Value {
	return func(tx *Tx, _ [][]byte, key []byte) resp.Value {
		return resp.List(resp.Str(string(key)), tx.popList(key, 1, front)[0])
	}
}

func popMember(highest bool) func(*Tx, [][]byte, []byte) resp.Value {
	return func(tx *Tx, _ [][]byte, key []byte) resp.Value {
		z, _ := membersAt(tx, key)
		member := couples(takeScored(tx, key, z, 1, highest))
		return resp.List(append([]resp.Value{resp.Str(string(key))}, member...)...)
	}
}

// popMany runs LMPOP or ZMPOP on the one key.
func popMany(name string, run func(*Tx, [][]byte) resp.Value) func(*Tx, [][]byte, []byte) resp.Value {
	return func(tx *Tx, args [][]byte, key []byte) resp.Value {
		n, _ := parseInt(args[2])
		return run(tx, append([][]byte{[]byte(name), []byte("1"), key}, args[3+n:]...))
	}
}

// keysThenTimeout parses: key [key ...] timeout.
func keysThenTimeout(kind WaitKind) func([][]byte) (Wait, resp.Value) {
	return func(args [][]byte) (Wait, resp.Value) {
		last := len(args) - 1
		ms, fail := parseTimeout(args[last])
		return Wait{Keys: args[1:last], Kind: kind, Timeout: ms}, fail
	}
}

// timeoutThenCount parses: timeout numkeys key [key ...] where [COUNT count].
func timeoutThenCount(kind WaitKind, wheres ...string) func([][]byte) (Wait, resp.Value) {
	return func(args [][]byte) (w Wait, fail resp.Value) {
		n, ok := parseInt(args[2])
		if !ok || n <= 0 {
			return w, errNumKeys
		}
		if n > int64(len(args)-4) {
			return w, errSyntax
		}
		rest := args[3+n:]
		if !equalFold(rest[0], wheres[0]) && !equalFold(rest[0], wheres[1]) {
			return w, errSyntax
		}
		switch {
		case len(rest) == 1:
		case len(rest) != 3 || !equalFold(rest[1], "COUNT"):
			return w, errSyntax
		default:
			if count, ok := parseInt(rest[2]); !ok || count <= 0 {
				return w, errCount
			}
		}
		ms, fail := parseTimeout(args[1])
		return Wait{Keys: args[3 : 3+n], Kind: kind, Timeout: ms}, fail
	}
}

func parseBLMove(args [][]byte) (w Wait, fail resp.Value) {
	for _, where := range args[3:5] {
		if !equalFold(where, "LEFT") && !equalFold(where, "RIGHT") {
			return w, errSyntax
		}
	}
	ms, fail := parseTimeout(args[5])
	return Wait{Keys: args[1:2], Kind: WaitList, Timeout: ms}, fail
}

func parseBRPopLPush(args [][]byte) (Wait, resp.Value) {
	ms, fail := parseTimeout(args[3])
	return Wait{Keys: args[1:2], Kind: WaitList, Timeout: ms}, fail
}

// parseTimeout reads seconds, which may have a fraction, as milliseconds.
func parseTimeout(arg []byte) (ms int64, fail resp.Value) {
	f, _, ok := strtod(string(arg))
	switch f = math.Ceil(f * 1000); {
	case !ok || len(arg) == 0:
		return 0, errTimeout
	case f < 0:
		return 0, errTimeoutNegative
	case f >= math.MaxInt64:
		return 0, errTimeoutRange
	}
	return int64(f), resp.Nil
}
