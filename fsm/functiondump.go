package fsm

import (
	"errors"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/fsm/lua"
	"github.com/trivetdb/trivet/fsm/rdb"
	"github.com/trivetdb/trivet/resp"
)

// maxLibraryBytes bounds the code that one FUNCTION RESTORE brings.
const maxLibraryBytes = 64 << 20

func functionDump(tx *Tx, _ [][]byte) resp.Value {
	var code []string
	for _, l := range tx.st.functions.libraries {
		tx.charge(cost.Made(2 * len(l.Code)))
		code = append(code, l.Code)
	}
	return resp.Str(string(rdb.AppendLibraries(nil, code)))
}

// functionRestore takes a payload [FLUSH | APPEND | REPLACE].
func functionRestore(tx *Tx, args [][]byte) resp.Value {
	policy := "APPEND"
	if len(args) > 4 {
		return errFunctionSyntax("RESTORE")
	}
	if len(args) == 4 {
		policy = upper(string(args[3][:min(len(args[3]), maxCommandName)]))
	}
	if policy != "FLUSH" && policy != "APPEND" && policy != "REPLACE" {
		return errRestorePolicy
	}
	tx.charge(cost.Made(len(args[2])))
	codes, fail := parseFunctionDump(args[2])
	if fail.IsError() {
		return fail
	}
	tx.charge(cost.Times(len(tx.st.functions.byName), cost.Insert))
	var more []*lua.Library
	for _, code := range codes {
		l, err := tx.loadLibrary(code)
		if err != nil {
			return resp.Err(err.Error())
		}
		more = append(more, l)
	}
	next := tx.st.functions
	if policy == "FLUSH" {
		next = functions{}
	}
	if fail := next.add(policy == "REPLACE", more...); fail.IsError() {
		return fail
	}
	if fail := tx.replaceFunctions(next); fail.IsError() {
		return fail
	}
	return resp.OK
}

// parseFunctionDump returns the code of each library.
func parseFunctionDump(b []byte) (codes []string, fail resp.Value) {
	codes, err := rdb.ParseLibraries(b, maxLibraryBytes)
	switch {
	case errors.Is(err, rdb.ErrChecksum):
		return nil, errDumpChecksum
	case errors.Is(err, rdb.ErrOpcode):
		return nil, errDumpKind
	case err != nil:
		return nil, errDumpBroken
	}
	return codes, resp.Nil
}

var (
	errRestorePolicy = resp.Err("ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.")
	errDumpKind      = resp.Err("ERR given type is not a function")
	errDumpBroken    = resp.Err("ERR failed loading functions payload")
)
