package lua

import (
	"context"
	"errors"
	"fmt"

	lua "github.com/yuin/gopher-lua"

	"github.com/trivetdb/trivet/fsm/cost"
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
	faultCost    = 3000 // of an error: the thread that it ends has a successor
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
	// bytes. Errors are replies. Where it returns false, the run ends at once, and
	// the host knows why.
	Call(args [][]byte) (reply resp.Value, ok bool)
	// Known reports whether there is such a command.
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
	source  string      // what the code is called in errors
	loading *registry   // of the library that runs; nil for a script
	stop    func() bool // asked now and then whether the run is to end; nil for never
	unasked int         // instructions since stop was asked
	killed  bool        // stop said so
	budget  int
	left    int
	weight  int           // of an instruction
	over    chan struct{} // nil until the budget is exhausted
	scope   *scope
	resp3   bool
	line    int         // of the error that ended the script
	ids     map[any]int // what tostring shows of tables and functions
	json    *jsonConfig // what the script has set of cjson, nil for nothing
	chance  chance
	threads threads
	command command
	surroundings
	bounds
}

// threads are those of a run besides the first.
type threads struct {
	pending   int                            // protected calls and coroutines within each other
	callbacks int                            // calls of Lua from library functions, in this coroutine
	idle      []*lua.LState                  // for protected calls
	lost      int                            // of those that failed and have no successor yet
	started   map[*lua.LState]*lua.LFunction // coroutines
	callers   map[*lua.LState]*lua.LState    // of protected calls under way
}

// A command is what redis.call passes on, in memory that is used again.
type command struct {
	args [][]byte
	buf  []byte
	ends []int // of the arguments in buf
}

// stopEvery is how many instructions lie between two looks at stop.
const stopEvery = 1 << 12

// Done counts an instruction.
func (r *run) Done() <-chan struct{} {
	r.left -= r.weight
	if r.weight > 1 {
		r.reweigh()
	}
	if r.stop != nil {
		if r.unasked++; r.unasked >= stopEvery {
			r.askStop()
		}
	}
	if r.left < 0 && r.over == nil {
		r.over = make(chan struct{})
		close(r.over)
	}
	return r.over
}

// askStop ends the run where it is to stop.
func (r *run) askStop() {
	r.unasked = 0
	if r.stop() {
		r.killed, r.left = true, -1
	}
}

// Err says why Done's channel is closed.
func (r *run) Err() error { return errBudget }

// charge counts n pieces of work beside the instructions.
func (r *run) charge(L *lua.LState, n int) {
	if n < 0 || n > r.left {
		r.left = -1
		L.Error(lua.LString(errBudget.Error()), 0)
	}
	r.left -= n
}

var stackSizes = lua.Options{
	CallStackSize:       4096,
	RegistrySize:        512,
	RegistryMaxSize:     1 << 18,
	RegistryGrowStep:    1 << 14,
	SkipOpenLibs:        true,
	MinimizeStackMemory: true,
}

// A Machine runs scripts, one at a time. What a script leaves behind no other can
// see. The zero Machine is ready.
type Machine struct {
	Budget int // 0 means Budget; for a run that is not strict

	// Meter makes runs strict: they share it with the command that runs them, and
	// leave it exhausted where they end for want of it. Nil means that they count
	// Budget alone.
	Meter *cost.Meter

	// Stop is asked now and then whether the run is to end. Nil means never: what
	// all nodes run must end at the same place.
	Stop func() bool

	idle    *lua.LState
	command command
	around  surroundings // for the next script
}

// Run runs a script and returns its reply. The host is called from within.
func (m *Machine) Run(p *Program, host Host, keys, argv [][]byte) resp.Value {
	form, err := p.code.use(m.Meter != nil)
	if err != nil {
		return resp.Err(p.wrong(err).Error())
	}
	r := m.newRun(form.names, source, host)
	return m.finish(r, p.SHA, keys, argv, func(L *lua.LState) lua.LValue { return r.chunk(L, form.proto) })
}

// Call calls a function of a library and returns its reply.
func (m *Machine) Call(l *Library, f *Function, host Host, keys, argv [][]byte) resp.Value {
	form, err := l.code.use(m.Meter != nil)
	if err != nil {
		return resp.Err(l.wrong(err).Error())
	}
	r := m.newRun(form.names, librarySource, host)
	r.loading = &registry{}
	return m.finish(r, f.Name, nil, nil, func(L *lua.LState) lua.LValue {
		if fault := r.chunk(L, form.proto); fault != nil {
			return fault
		}
		L.SetTop(0)
		r.loading.closed = true
		r.enter(functionScope)
		L.Push(r.loading.callback(f.Name))
		L.Push(list(keys))
		L.Push(list(argv))
		return r.try(L, 2, 1)
	})
}

func (m *Machine) newRun(n names, source string, host Host) *run {
	r := &run{names: n, source: source, host: host, budget: m.Budget, stop: m.Stop, command: m.command, weight: 1}
	if r.budget == 0 {
		r.budget = Budget
	}
	r.left = r.budget
	if r.meter = m.Meter; r.strict() {
		r.take()
		r.budget = r.left
	}
	return r
}

// begin returns a thread that has a run's globals.
func (m *Machine) begin(r *run, keys, argv [][]byte) *lua.LState {
	r.Context = context.Background()
	L := m.idle
	if m.idle = nil; L == nil {
		L = lua.NewState(stackSizes)
	}
	L.SetContext(r)
	if r.loading == nil {
		r.surroundings, m.around = m.around, surroundings{}
	}
	r.open(L, keys, argv)
	return L
}

// keepBuffer is up to which size the arguments' buffer is kept, in bytes.
const keepBuffer = 64 << 10

// end takes back what the next run can use again. After an error, a thread is of
// no use.
func (m *Machine) end(r *run, L *lua.LState) {
	L.SetTop(0)
	L.RemoveContext()
	m.idle = L
	if r.loading == nil {
		m.around = r.bequeath()
	}
	if cap(r.command.buf) <= keepBuffer {
		m.command = r.command
	}
}

// finish runs code, which leaves its value on the stack, and returns the reply.
// Errors call it by its id. What went wrong besides Lua's errors goes on here, in a
// strict run.
func (m *Machine) finish(r *run, id string, keys, argv [][]byte, code func(*lua.LState) lua.LValue) resp.Value {
	reply := m.attempt(r, id, keys, argv, code)
	if r.strict() {
		r.give()
	}
	if r.broken != nil {
		panic(r.broken)
	}
	return reply
}

func (m *Machine) attempt(r *run, id string, keys, argv [][]byte, code func(*lua.LState) lua.LValue) (reply resp.Value) {
	L := m.begin(r, keys, argv)
	defer func() {
		if c := recover(); c != nil { // a mistake of ours, the same on every node
			if r.strict() {
				r.breakOff(c)
			}
			reply = r.failed(id, fmt.Sprintf("ERR %v", c))
		}
		switch {
		case r.killed:
			reply = r.failed(id, "ERR "+errKilled)
		case r.left < 0:
			reply = r.failed(id, fmt.Sprintf("ERR %s:%d: %v", r.source, max(r.line, 1), errBudget))
		}
	}()
	if fault := code(L); fault != nil {
		if r.strict() && r.left > 0 { // for the thread that the next run needs; this one is over
			r.left = max(r.left-faultCost, 0)
		}
		return r.failed(id, r.errorText(fault))
	}
	reply = r.reply(L.Get(-1), 0)
	m.end(r, L)
	return reply
}

// errKilled is Redis's text, dots and all.
const errKilled = "Script killed by user with SCRIPT KILL..."

// chunk runs compiled code: first what compile has put around it.
func (r *run) chunk(L *lua.LState, proto *lua.FunctionProto) (fault lua.LValue) {
	L.Push(&lua.LFunction{Env: r.env, Proto: proto})
	for _, op := range operators {
		L.Push(op)
	}
	if fault = r.try(L, len(operators), 1); fault == nil {
		fault = r.try(L, 0, 1)
	}
	return fault
}

// failed returns the error reply of a run.
func (r *run) failed(id, text string) resp.Value {
	return resp.Err(oneLine(fmt.Sprintf("%s script: %s, on @%s:%d.", status(r.shown(text)), id, r.source, max(r.line, 1))))
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
		return "ERR " + r.shown(string(v))
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
