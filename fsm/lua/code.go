package lua

import (
	"cmp"
	"slices"

	lua "github.com/yuin/gopher-lua"
)

// A code is the source of a script or a library and what it is compiled to: for
// strict runs, or for others.
type code struct {
	body   string
	source string // what errors call it
	strict bool   // the form is for strict runs
	form   *compiled
}

// A compiled form never changes.
type compiled struct {
	proto *lua.FunctionProto
	names names
}

// use returns a form of the code. Where that is not the one that it keeps, it is
// compiled for this time.
func (c *code) use(strict bool) (*compiled, error) {
	if c.form != nil && c.strict == strict {
		return c.form, nil
	}
	return compile(c.body, c.source, strict)
}

// keep compiles the form that is kept. Nobody else may use the code meanwhile.
func (c *code) keep(strict bool) (err error) {
	if c.form, err = c.use(strict); err == nil {
		c.strict = strict
	}
	return err
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
