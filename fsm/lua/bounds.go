package lua

import (
	"math"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"github.com/trivetdb/trivet/fsm/cost"
)

// A run is strict or not. One that is not counts its Budget alone: scripts that
// ran so before there were bounds for all commands must end as they did then. A
// strict one shares the meter of the command that runs it, and pays for all that it
// does, before it takes memory or begins a loop: what only a strict run counts goes
// through pay, what both count through charge.

const (
	// maxFrames is how many calls may lie below a protected call or a coroutine,
	// over all threads. Each may take a kilobyte of Go's stack.
	maxFrames = 8192
	// maxRegisters is how many values the stacks below may have room for.
	maxRegisters = 1 << 19
	// threadRegisters is how many values a thread's stack has room for, besides the
	// first one's.
	threadRegisters = 1 << 15
	// maxLevel is how far up the stack error looks for a place.
	maxLevel = 100
	// maxShown bounds what a client is told of an error, in bytes.
	maxShown = 64 << 10
	// maxNested bounds how deep cjson goes, whatever a script sets.
	maxNested = 10_000
	// maxStrictString bounds the strings that a script makes: they are no use where
	// they cannot be stored.
	maxStrictString = 64 << 20
	// maxKey bounds the strings that are keys of tables.
	maxKey = 1 << 20

	// stepScale is how many of cost's steps a piece of a script's work is: gopher-lua
	// takes 30 to 80 ns for an instruction that makes a number.
	stepScale = 2

	functionCost  = 16 // of a call of a library function, besides what it does
	numberCost    = 15 // of a string that is converted to a number
	callbackCost  = 10
	resumeCost    = 30
	borrowCost    = 2000 // of a thread for a protected call, unless one that ended serves again
	sumCost       = 100  // of redis.sha1hex, besides its bytes
	matchCost     = 60   // of a search for a pattern, besides its places
	verbCost      = 20   // of a conversion of string.format
	floatCost     = 50   // of a conversion to 16 digits
	elementCost   = 6    // of an element of an array, with its number
	moveCost      = 3    // of an element that changes its place
	strictTable   = 200  // of a table, besides tableCost
	registerCost  = 3    // of a value that a thread's stack has room for
	compileCost   = 100  // of a byte of source
	positionCost  = 3    // of a place at which a pattern is tried
	metatableCost = 2    // of a metatable that an index may lead through, for each instruction
)

// bounds are what a strict run has besides.
type bounds struct {
	meter     *cost.Meter // nil: the run is not strict
	granted   int         // what the meter had left when it was asked last
	broken    any         // a panic that is none of Lua's; it goes on outside of the run
	below     depth       // of the threads below the one that runs
	metas     map[*lua.LTable]struct{}
	unclosed  map[*lua.Upvalue]struct{} // upvalues, and some that were closed since
	kept      int                       // those of them that were open when they were looked at
	unweighed int                       // instructions since they were looked at
}

// A depth is what calls take that have not ended.
type depth struct{ frames, registers int }

// strict reports whether the run pays for all that it does.
func (r *run) strict() bool { return r.meter != nil }

// take lets the run spend what the meter has left.
func (r *run) take() {
	r.left = r.meter.Left() / stepScale
	r.granted = r.left
}

// give tells the meter what was spent.
func (r *run) give() {
	if r.left < 0 {
		r.meter.Spend(-1)
	} else {
		r.meter.Spend(stepScale * (r.granted - r.left))
	}
	r.granted = r.left
}

// breakOff ends a strict run for a panic that is none of Lua's. No pcall keeps the
// script going, as its budget is gone.
func (r *run) breakOff(p any) {
	if r.broken == nil {
		r.broken = p
	}
	r.left = -1
}

// pay counts what only a strict run counts.
func (c call) pay(n int) {
	if r := c.run(); r.strict() {
		r.charge(c.LState, n)
	}
}

// payRead counts that each of n bytes is looked at.
func (c call) payRead(n int) {
	if n >= 1<<6 {
		c.pay(cost.Read(n))
	}
}

// payMade counts that n bytes are made.
func (c call) payMade(n int) {
	if n >= 1<<6 {
		c.pay(cost.Made(n))
	}
}

// number is number, for a string that may be long.
func (c call) number(v lua.LValue) (float64, bool) {
	if s, ok := v.(lua.LString); ok {
		c.pay(numberCost + cost.Made(2*len(s)))
	}
	return number(v)
}

// spread counts n results of a call, which each caller may pass on to its own.
func (c call) spread(n int) {
	if c.run().strict() && n > 8 {
		c.pay(2*n + n/16*frames(c.LState))
	}
}

// longest returns the bound of strings that scripts make.
func (c call) longest() int {
	if c.run().strict() {
		return maxStrictString
	}
	return maxString
}

// payError counts the texts that go into an error's.
func (c call) payError(args []any) {
	for _, a := range args {
		if s, ok := a.(string); ok && len(s) > 1<<10 {
			c.pay(len(s))
		}
	}
}

// deeper goes up to a new thread and returns what undoes that. It fails where too
// much lies below it.
func (c call) deeper() (back func(), ok bool) {
	r := c.run()
	if !r.strict() {
		return func() {}, true
	}
	before := r.below
	r.below.frames += frames(c.LState)
	r.below.registers += registers(c.LState)
	if r.below.frames > maxFrames || r.below.registers > maxRegisters {
		r.below = before
		return nil, false
	}
	return func() { r.below = before }, true
}

// payGrown counts the room that a thread's stack got since it had room for so many.
func (c call) payGrown(th *lua.LState, before int) {
	if c.run().strict() {
		c.pay(registerCost * (registers(th) - before))
	}
}

// weigh sets what an instruction costs: a field may be looked for in as many tables
// as have a metatable, and the end of a call looks at all open upvalues.
func (r *run) weigh() {
	r.weight = 1 + metatableCost*min(len(r.metas), lua.MaxTableGetLoop) + r.kept/32
}

// noteMeta notes that a script has given a table a metatable.
func (r *run) noteMeta(meta *lua.LTable) {
	if !r.strict() {
		return
	}
	if r.metas == nil {
		r.metas = map[*lua.LTable]struct{}{}
	}
	if len(r.metas) < lua.MaxTableGetLoop {
		r.metas[meta] = struct{}{}
		r.weigh()
	}
}

// shown cuts what a client is told of an error.
func (r *run) shown(text string) string {
	if r.strict() && len(text) > maxShown {
		return strings.ToValidUTF8(text[:maxShown], "")
	}
	return text
}

// steps returns n, or all that there is where it overflowed.
func steps(n int) int {
	if n < 0 {
		return math.MaxInt
	}
	return n
}

// noteUpvalues notes which upvalues of a function are open: as long as they are, the
// end of each call looks at them.
func (r *run) noteUpvalues(f *lua.LFunction) {
	for _, u := range f.Upvalues {
		if u == nil || u.IsClosed() {
			continue
		}
		if r.unclosed == nil {
			r.unclosed = map[*lua.Upvalue]struct{}{}
		}
		r.unclosed[u] = struct{}{}
	}
	if len(r.unclosed) > 2*r.kept+32 {
		r.dropClosed()
	}
}

// reweigh looks now and then which upvalues are still open.
func (r *run) reweigh() {
	if r.unweighed++; r.unweighed >= weighEvery {
		r.dropClosed()
	}
}

// dropClosed forgets upvalues that were closed.
func (r *run) dropClosed() {
	r.unweighed = 0
	for u := range r.unclosed {
		if u.IsClosed() {
			delete(r.unclosed, u)
		}
	}
	r.kept = len(r.unclosed)
	r.weigh()
}

// weighEvery is how many instructions lie between two looks at open upvalues.
const weighEvery = 256

// payElement counts that a table gets its element i, after those before.
func (c call) payElement(i int) {
	if i >= lua.MaxArrayIndex {
		c.pay(hashCost)
	} else {
		c.pay(elementCost)
	}
}

// walk returns what a strict run pays for all places of a table, which the reply
// walks over without a call.
func (r *run) walk(t *lua.LTable) int {
	if !r.strict() {
		return 0
	}
	return walked(t, lua.LNil, lua.LNil)
}

// CompileCost returns the steps of compiling a script or a library.
func CompileCost(body string) int { return cost.Times(len(body), compileCost) }
