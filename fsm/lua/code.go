package lua

import (
	"cmp"
	"slices"
	"sync/atomic"

	lua "github.com/yuin/gopher-lua"
)

// A code is the source of a script or a library and what it is compiled to: one
// form for strict runs and one for others, each when it is first needed. It may be
// used by several machines at once.
type code struct {
	body   string
	source string // what errors call it
	strict atomic.Pointer[compiled]
	plain  atomic.Pointer[compiled]
}

// A compiled form never changes.
type compiled struct {
	proto *lua.FunctionProto
	names names
}

// compile returns a form of the code.
func (c *code) compile(strict bool) (*compiled, error) {
	form := &c.plain
	if strict {
		form = &c.strict
	}
	if known := form.Load(); known != nil {
		return known, nil
	}
	made, err := compile(c.body, c.source, strict)
	if err != nil {
		return nil, err
	}
	form.Store(made)
	return made, nil
}

// maxUpvalues is how many variables of functions around it a function may use:
// gopher-lua counts them in a byte, and does not check.
const maxUpvalues = 255

// clip frees what the compiler has reserved and not used. It returns the first line
// of a function that uses too many variables, 0 for none.
func clip(p *lua.FunctionProto) (tooMany int) {
	if len(p.DbgUpvalues) > maxUpvalues {
		tooMany = max(p.LineDefined, 1)
	}
	p.Code = slices.Clone(p.Code)
	p.DbgSourcePositions = slices.Clone(p.DbgSourcePositions)
	p.Constants = slices.Clone(p.Constants)
	p.FunctionPrototypes = slices.Clone(p.FunctionPrototypes)
	p.DbgLocals, p.DbgCalls, p.DbgUpvalues = nil, nil, nil // only debug functions read them
	for _, inner := range p.FunctionPrototypes {
		tooMany = cmp.Or(tooMany, clip(inner))
	}
	return tooMany
}
