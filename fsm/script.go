package fsm

import (
	"strings"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/fsm/lua"
	"github.com/trivetdb/trivet/resp"
)

// forScript are the flags that EVAL's family shares. EVAL goes through the log
// and runs on every node; EVAL_RO reads the state of the node that is asked.
const forScript = NoScript | Stale | SkipMonitor | NoMandatoryKeys | MovableKeys | CountAt2

var scriptCommands = []Command{
	{Spec{"EVAL", -3, Logged | forScript, Keys{}, "scripting", "Run a Lua script.", "2.6.0"}, eval},
	{Spec{"EVALSHA", -3, Logged | forScript, Keys{}, "scripting", "Run a Lua script that the cluster remembers.", "2.6.0"}, evalSHA},
	{Spec{"EVAL_RO", -3, Read | forScript, Keys{}, "scripting", "Run a Lua script that reads only.", "7.0.0"}, evalReadOnly},
	{Spec{"EVALSHA_RO", -3, Read | forScript, Keys{}, "scripting", "Run a Lua script that the cluster remembers and that reads only.", "7.0.0"}, evalSHAReadOnly},
	{Spec{"SCRIPT", -2, Local | Container, Keys{}, "scripting", "Commands about Lua scripts.", "2.6.0"}, noSubcommand},
	{Spec{"SCRIPT|LOAD", 3, Logged | NoScript | Stale, Keys{}, "scripting", "Remember a script on all nodes.", "2.6.0"}, scriptLoad},
	{Spec{"SCRIPT|EXISTS", -3, Read | NoScript, Keys{}, "scripting", "Ask which scripts the cluster remembers.", "2.6.0"}, scriptExists},
	{Spec{"SCRIPT|FLUSH", -2, Logged | NoScript, Keys{}, "scripting", "Forget all scripts.", "2.6.0"}, scriptFlush},
}

// scriptArgs parses: script numkeys key [key ...] arg [arg ...].
func scriptArgs(args [][]byte) (keys, argv [][]byte, fail resp.Value) {
	n, ok := parseInt(args[2])
	rest := args[3:]
	switch {
	case !ok:
		return nil, nil, errNotInteger
	case n > int64(len(rest)):
		return nil, nil, errManyKeys
	case n < 0:
		return nil, nil, errNegativeKeys
	}
	return rest[:n], rest[n:], resp.Nil
}

// runScript runs a script. What it wrote before an error stays, as in Redis: it
// is the same on every node.
func (tx *Tx) runScript(p *lua.Program, keys, argv [][]byte, readOnly bool) resp.Value {
	if readOnly && p.Flagged && !p.ReadOnly {
		return errScriptWrites
	}
	full := !readOnly && !p.ReadOnly && !p.AllowOOM && tx.full()
	if full && p.Flagged {
		return errOOM
	}
	tx.chargeArguments(keys, argv)
	return tx.runLua(readOnly || p.ReadOnly, full, func(m *lua.Machine, host lua.Host) resp.Value {
		return m.Run(p, host, keys, argv)
	})
}

// chargeArguments counts what a script gets, which is copied.
func (tx *Tx) chargeArguments(lists ...[][]byte) {
	for _, list := range lists {
		size := 0
		for _, arg := range list {
			size += len(arg)
		}
		tx.charge(cost.Times(len(list), cost.Element) + cost.Read(size))
	}
}

// runLua runs Lua code, which may go on in another database. Where there is too
// much data already, it may not add to it. What it does counts as the command's.
func (tx *Tx) runLua(readOnly, full bool, code func(*lua.Machine, lua.Host) resp.Value) resp.Value {
	db, typed := tx.db, tx.typed
	defer func() { tx.db, tx.typed, tx.script = db, typed, false }()
	tx.typed, tx.script = nil, true
	m := &lua.Machine{Stop: tx.stop} // reads run together
	if tx.write {
		m = &tx.st.machine
	}
	if !tx.bounded() {
		return code(m, &scriptHost{tx: tx, readOnly: readOnly, full: full})
	}
	m.Meter = &tx.meter
	defer func() { m.Meter = nil }()
	host := &scriptHost{tx: tx, readOnly: readOnly, full: full}
	v := code(m, host)
	switch {
	case host.ended != nil: // as the command ended that the script called
		panic(host.ended)
	case tx.meter.Left() < 0:
		panic(overrun{v})
	}
	values, bytes := sizeOf(&v)
	tx.chargeReply(values, bytes)
	return v
}

// sizeOf returns how many values a reply has and how many bytes their strings.
func sizeOf(v *resp.Value) (values, bytes int) {
	values, bytes = 1, len(v.Str)
	for i := range v.Elems {
		n, size := sizeOf(&v.Elems[i])
		values, bytes = values+n, bytes+size
	}
	return values, bytes
}

func eval(tx *Tx, args [][]byte) resp.Value            { return tx.eval(args, false) }
func evalReadOnly(tx *Tx, args [][]byte) resp.Value    { return tx.eval(args, true) }
func evalSHA(tx *Tx, args [][]byte) resp.Value         { return tx.evalSHA(args, false) }
func evalSHAReadOnly(tx *Tx, args [][]byte) resp.Value { return tx.evalSHA(args, true) }

func (tx *Tx) eval(args [][]byte, readOnly bool) resp.Value {
	keys, argv, fail := scriptArgs(args)
	if fail.IsError() {
		return fail
	}
	tx.charge(cost.Made(len(args[1])))
	body := string(args[1])
	return tx.evalBody(lua.Sum(body), body, keys, argv, readOnly)
}

func (tx *Tx) evalSHA(args [][]byte, readOnly bool) resp.Value {
	sha := strings.ToLower(string(args[1]))
	if len(sha) != lua.SumSize {
		return errNoScript
	}
	keys, argv, fail := scriptArgs(args)
	if fail.IsError() {
		return fail
	}
	body, ok := tx.st.scripts.body(sha)
	if !ok {
		return errNoScript
	}
	return tx.evalBody(sha, body, keys, argv, readOnly)
}

// evalBody runs a script whose name is sha. One that only reads runs beside
// others, and is not noted as used.
func (tx *Tx) evalBody(sha, body string, keys, argv [][]byte, readOnly bool) resp.Value {
	var p *lua.Program
	var err error
	tx.chargeCompile(sha, body)
	if readOnly {
		p, err = tx.st.scripts.compile(sha, body)
	} else {
		p, err = tx.st.scripts.remember(&tx.st.undo, sha, body, false, tx.bounded())
	}
	if err != nil {
		return resp.Err(err.Error())
	}
	return tx.runScript(p, keys, argv, readOnly)
}

// chargeCompile counts the compilation of a script that the cluster does not
// remember. Whether this node has compiled it already makes no difference.
func (tx *Tx) chargeCompile(sha, body string) {
	if _, ok := tx.st.scripts.body(sha); !ok {
		tx.charge(lua.CompileCost(body))
		tx.charge(cost.Times(len(tx.st.scripts.bySHA), cost.Element)) // see forget
	}
}

func scriptLoad(tx *Tx, args [][]byte) resp.Value {
	tx.charge(cost.Made(len(args[2])))
	body := string(args[2])
	sha := lua.Sum(body)
	if tx.bounded() && tx.full() {
		return errOOM
	}
	tx.chargeCompile(sha, body)
	if fail := tx.st.scripts.load(&tx.st.undo, sha, body, tx.bounded()); fail.IsError() {
		return fail
	}
	return resp.Str(sha)
}

func scriptExists(tx *Tx, args [][]byte) resp.Value {
	tx.charge(cost.Times(len(args), cost.Lookup))
	found := resp.List()
	for _, sha := range args[2:] {
		n := int64(0)
		if _, ok := tx.st.scripts.body(strings.ToLower(string(sha))); ok {
			n = 1
		}
		found.Elems = append(found.Elems, resp.Int(n))
	}
	return found
}

func scriptFlush(tx *Tx, args [][]byte) resp.Value {
	if len(args) > 3 || len(args) == 3 && !equalFold(args[2], "SYNC") && !equalFold(args[2], "ASYNC") {
		return errScriptFlush
	}
	old := tx.st.scripts
	tx.st.undo.other(func() { tx.st.scripts = old })
	tx.st.scripts = scripts{}
	return resp.OK
}
