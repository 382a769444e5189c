package lua

import (
	"context"
	"errors"
	"fmt"

	lua "github.com/yuin/gopher-lua"

	"github.com/trivetdb/trivet/resp"
)

const (
	// Budget is how much work a script may do: instructions, and what costs as
	// much elsewhere. It is a second or two of a CPU.
	Budget = 100_000_000

	bytesPerStep = 8  // of strings that are made
	callCost     = 50 // of a command, besides its arguments and its reply
	replyCost    = 20 // of an element of the script's reply
	pcallCost    = 50
	faultCost    = 3000 // of an error that is caught
	threadCost   = 4000 // of a coroutine
	tableCost    = 200
	hashCost     = 80 // of an element that goes into a hash table

	// maxPending is how many protected calls may lie within each other, as in
	// Lua, where they take the C stack.
	maxPending = 190
	// maxStack is how many values a library function may have, its arguments
	// among them. It is Lua's, and what bounds unpack.
	maxStack = 8000
)

// errBudget is what scripts that run away end with.
var errBudget = errors.New("script ended: it exceeded its budget of instructions")

func init() {
	// What lies past this goes into a hash table, else one assignment to a large
	// index would fill all before it.
	lua.MaxArrayIndex = 1 << 20
}

// A Host carries out what scripts ask for.
type Host interface {
	// Call carries out a command. It may change args, and must not keep their
	// bytes. Errors are replies.
	Call(args [][]byte) resp.Value
	// Known reports whether there is such a command that takes so many
	// arguments.
	Known(args [][]byte) bool
	// Allowed reports whether the user who runs the script may call it.
	Allowed(args [][]byte) bool
	// Seed returns a number that is different for each call, and the same on
	// all nodes.
	Seed() uint64
}

// A run is one execution of a script. Lua code knows it as its context, whose
// Done gopher-lua asks before every instruction: this is how work is counted.
type run struct {
	context.Context
	host    Host
	names   names
	budget  int
	left    int
	over    chan struct{} // nil until the budget is exhausted
	env     *lua.LTable
	globals *lua.LTable
	resp3   bool
	line    int         // of the error that ended the script
	ids     map[any]int // what tostring shows of tables and functions
	json    *jsonConfig // what the script has set of cjson, nil for nothing
	chance  chance
	threads threads
	command command
}

// threads are those of a run besides the first.
type threads struct {
	pending   int                            // protected calls and coroutines within each other
	callbacks int                            // calls of Lua from library functions, in this coroutine
	idle      []*lua.LState                  // for protected calls
	started   map[*lua.LState]*lua.LFunction // coroutines
}

// A command is what redis.call passes on, in memory that is used again.
type command struct {
	args [][]byte
	buf  []byte
	ends []int // of the arguments in buf
}

// Done counts an instruction.
func (r *run) Done() <-chan struct{} {
	r.left--
	if r.left < 0 && r.over == nil {
		r.over = make(chan struct{})
		close(r.over)
	}
	return r.over
}

// Err says why Done's channel is closed.
func (r *run) Err() error { return errBudget }

// charge counts n pieces of work beside the instructions.
func (r *run) charge(L *lua.LState, n int) {
	r.left -= n
	if r.left < 0 {
		L.Error(lua.LString(errBudget.Error()), 0)
	}
}

var stackSizes = lua.Options{
	CallStackSize:       4096,
	RegistrySize:        512,
	RegistryMaxSize:     1 << 18,
	RegistryGrowStep:    2048,
	SkipOpenLibs:        true,
	MinimizeStackMemory: true,
}

// A Machine runs scripts, one at a time. What a script leaves behind no other can
// see. The zero Machine is ready.
type Machine struct {
	Budget int // 0 means Budget

	idle *lua.LState
}

// Run runs a script and returns its reply. The host is called from within.
func (m *Machine) Run(p *Program, host Host, keys, argv [][]byte) (reply resp.Value) {
	r := &run{Context: context.Background(), names: p.names, host: host, budget: m.Budget}
	if r.budget == 0 {
		r.budget = Budget
	}
	r.left = r.budget
	L := m.idle
	if m.idle = nil; L == nil {
		L = lua.NewState(stackSizes)
	}
	L.SetContext(r)
	r.open(L, keys, argv)
	defer func() {
		if c := recover(); c != nil { // a mistake of ours, the same on every node
			reply = p.failed(r, fmt.Sprintf("ERR %v", c))
		}
		if r.left < 0 {
			reply = p.failed(r, fmt.Sprintf("ERR %s:%d: %v", source, max(r.line, 1), errBudget))
		}
	}()
	L.Push(&lua.LFunction{Env: r.env, Proto: p.proto})
	for _, op := range operators {
		L.Push(op)
	}
	fault := r.try(L, len(operators), 1)
	if fault == nil {
		fault = r.try(L, 0, 1) // the script itself, which the first call has returned
	}
	if fault != nil {
		return p.failed(r, r.errorText(fault))
	}
	reply = r.reply(L.Get(-1), 0)
	L.SetTop(0)
	L.RemoveContext()
	m.idle = L // after an error, it is of no use
	return reply
}

// failed returns the error reply of a script.
func (p *Program) failed(r *run, text string) resp.Value {
	return resp.Err(oneLine(fmt.Sprintf("%s script: %s, on @%s:%d.", text, p.SHA, source, max(r.line, 1))))
}

// errorText returns what the client is told of an error value.
func (r *run) errorText(v lua.LValue) string {
	switch v := v.(type) {
	case *lua.LTable:
		if s, ok := text(v.RawGetString("err")); ok {
			return s
		}
		return "ERR unknown error"
	case lua.LString:
		return "ERR " + string(v)
	}
	return "ERR " + r.show(v)
}

// show is tostring without metamethods.
func (r *run) show(v lua.LValue) string {
	if s, ok := text(v); ok {
		return s
	}
	switch v := v.(type) {
	case lua.LBool:
		return v.String()
	case *lua.LNilType:
		return "nil"
	case *lua.LUserData:
		return "userdata: (nil)" // cjson.null is the only one
	}
	return fmt.Sprintf("%s: 0x%012x", typeName(v), r.id(v)*16)
}

// id numbers the objects that a script shows, in the order in which it does.
func (r *run) id(v lua.LValue) int {
	if r.ids == nil {
		r.ids = map[any]int{}
	}
	id, ok := r.ids[v]
	if !ok {
		id = len(r.ids) + 1
		r.ids[v] = id
	}
	return id
}
