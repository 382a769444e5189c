package fsm

import (
	"strings"

	"github.com/trivetdb/trivet/fsm/acl"
	"github.com/trivetdb/trivet/resp"
)

// What a script is told of a command that it must not call.
var (
	errNegativeKeys = resp.Err("ERR Number of keys can't be negative")
	errNoScript     = resp.Err("NOSCRIPT No matching script. Please use EVAL.")
	errScriptFlush  = resp.Err("ERR SCRIPT FLUSH only support SYNC|ASYNC option")
	errScriptWrites = resp.Err("ERR Can not execute a script with write flag using *_ro command.")
	errInScript     = resp.Err("ERR This Redis command is not allowed from script")
	errInReadOnly   = resp.Err("ERR Write commands are not allowed from read-only scripts.")
	errScriptName   = resp.Err("ERR Unknown Redis command called from script")
	errScriptArity  = resp.Err("ERR Wrong number of args calling Redis command from script")
)

// A scriptHost carries out what a script calls.
type scriptHost struct {
	tx       *Tx
	readOnly bool
	full     bool // there was too much data when the script began
	wrote    bool // a command that writes was let pass
	ended    any  // the panic that a command ended with: the script ends so, too
}

// scriptRows are the commands that scripts may call though a node answers them
// for all others, since their answers follow from the entry.
var scriptRows = map[string]*Command{
	"PING":   {Spec{Name: "PING", Arity: -1, Flags: Read}, scriptPing},
	"ECHO":   {Spec{Name: "ECHO", Arity: 2, Flags: Read}, func(_ *Tx, args [][]byte) resp.Value { return resp.Str(string(args[1])) }},
	"TIME":   {Spec{Name: "TIME", Arity: 1, Flags: Read}, scriptTime},
	"SELECT": {Spec{Name: "SELECT", Arity: 2, Flags: Read}, scriptSelect},
}

// A callable is what a name stands for in a script.
type callable struct {
	*Command
	node bool // only a node can answer it, for itself
}

// callables has each name in upper and in lower case: most calls find theirs
// without a copy.
var callables = map[string]callable{}

func init() {
	add := func(name string, c callable) { callables[name], callables[strings.ToLower(name)] = c, c }
	for _, c := range rows {
		if c.Flags&Internal == 0 && !strings.Contains(c.Name, "|") {
			add(c.Name, callable{Command: c})
		}
	}
	for name, c := range scriptRows {
		add(name, callable{Command: c})
	}
	for _, name := range strings.Fields(`ACL ASKING AUTH BGREWRITEAOF BGSAVE CLIENT CLUSTER COMMAND CONFIG DEBUG
		DISCARD EXEC FAILOVER FUNCTION HELLO INFO LASTSAVE LATENCY LOLWUT MIGRATE MODULE MONITOR MULTI PSUBSCRIBE
		PUBSUB PUNSUBSCRIBE QUIT RAFT READONLY READWRITE REPLICAOF RESET ROLE SAVE SCRIPT SENTINEL SHUTDOWN SLAVEOF
		SLOWLOG SSUBSCRIBE SUBSCRIBE SUNSUBSCRIBE SYNC UNSUBSCRIBE UNWATCH WAIT WAITAOF WATCH`) {
		add(name, callable{node: true})
	}
	findRow = Lookup
}

// findRow is Lookup, which the table cannot name: it leads back to the table.
var findRow func(name string) *Command

// maxCommandName bounds the names that are looked up.
const maxCommandName = 64

// find returns the row of a command that a script calls, or why it cannot.
func (h *scriptHost) find(args [][]byte) (*Command, resp.Value) {
	if len(args[0]) > maxCommandName {
		return nil, errScriptName
	}
	found, ok := callables[string(args[0])]
	if !ok {
		found = callables[strings.ToUpper(string(args[0]))]
	}
	c := found.Command
	if c != nil && c.Flags&Container != 0 && len(args) > 1 {
		if len(args[1]) > maxCommandName {
			return nil, errScriptName
		}
		c = findRow(c.Name + "|" + strings.ToUpper(string(args[1])))
	}
	switch {
	case found.node:
		return nil, errInScript
	case c == nil || c.Flags&Internal != 0:
		return nil, errScriptName
	case !c.ArityOK(len(args)) || c.Flags&Container != 0:
		return nil, errScriptArity
	case c.Flags&(NoScript|Local) != 0:
		return nil, errInScript
	case h.readOnly && c.Flags&Read == 0:
		return nil, errInReadOnly
	}
	return c, resp.Nil
}

// Call carries out a command for a script. A command that ends with a panic, for
// what it would cost or by a mistake of ours, ends the script: the panic must not
// meet Lua's errors, which the script could catch. Before there were bounds, it did.
func (h *scriptHost) Call(args [][]byte) (v resp.Value, ok bool) {
	reads := h.tx.reads
	defer func() {
		h.tx.reads = reads
		if h.tx.bounded() {
			if h.ended = recover(); h.ended != nil {
				v, ok = resp.Nil, false
			}
		}
	}()
	c, fail := h.find(args)
	if c == nil {
		return fail, true
	}
	if fail := h.tx.permit(c, args); fail.IsError() {
		return fail, true
	}
	if fail := h.refuse(c); fail.IsError() {
		return fail, true
	}
	args[0] = append(args[0][:0], c.Name...)
	h.tx.reads = c.Flags&Read != 0
	v = c.Run(h.tx, args)
	if h.tx.write {
		h.tx.st.settle()
	}
	return v, true
}

// refuse returns an error where a command must not run since there is too much
// data. A script that has written is not stopped in the middle.
func (h *scriptHost) refuse(c *Command) resp.Value {
	if h.full && !h.wrote && c.Flags&DenyOOM != 0 {
		return errOOM
	}
	h.wrote = h.wrote || c.Flags&Write != 0
	return resp.Nil
}

// Known reports whether there is a command that a script could name.
func (h *scriptHost) Known(args [][]byte) bool {
	_, fail := h.find(args)
	return fail.Str != errScriptName.Str
}

// Allowed reports whether the user may call a command. Commands that no script
// may call are denied to users who may not do everything.
func (h *scriptHost) Allowed(args [][]byte) bool {
	if h.tx.user == nil {
		return true
	}
	c, _ := h.find(args)
	if c == nil {
		return false
	}
	why, _ := h.tx.user.Check(c.CallOf(args, scriptCategories[c.Name]))
	return why == acl.Allowed
}

// Seed returns a number from the entry's chance, or the read's.
func (h *scriptHost) Seed() uint64 { return uint64(h.tx.random(1 << 31)) }

func scriptPing(_ *Tx, args [][]byte) resp.Value {
	switch len(args) {
	case 1:
		return resp.Status("PONG")
	case 2:
		return resp.Str(string(args[1]))
	}
	return errArity("ping")
}

// scriptTime answers the entry's time, which stands still while a script runs.
func scriptTime(tx *Tx, _ [][]byte) resp.Value {
	return resp.Strs(itoa(tx.now/1000), itoa(tx.now%1000*1000))
}

// scriptSelect goes on in another database, to the script's end.
func scriptSelect(tx *Tx, args [][]byte) resp.Value {
	db, ok := parseInt(args[1])
	switch {
	case !ok:
		return errNotInteger
	case db < 0 || db >= Databases:
		return errDBIndex
	}
	tx.db = int(db)
	return resp.OK
}
