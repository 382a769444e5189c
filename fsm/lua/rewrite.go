package lua

import (
	"fmt"
	"strconv"

	"github.com/yuin/gopher-lua/ast"
)

// Some operators of gopher-lua do not do what Lua's do, and cannot be
// overridden. Before a script is compiled, they become calls of functions of
// our own, which the script reaches by upvalues with names that no script can
// write:
//
//	a .. b            concat(a, b)            numbers show 14 digits
//	#a                length(a)               costs little, whatever a holds
//	for i = a, b, c   for i = forNumber(a, 1), forNumber(b, 2), ...
//	-a                minus(a)                strings are converted as Lua does
//	t[k] = v          t[key(t, k)] = v        what makes the table grow is charged
//	{...}             made({...})             and so are tables
//	a ^ b             power(a, b)             the same on all machines
//
// Number literals are brought into decimal form, lest 010 be octal.

// The names of the operators, in the order of operators.
var operatorNames = []string{"(concat)", "(length)", "(for)", "(minus)", "(key)", "(made)", "(power)",
	"(same)", "(other)", "(less)", "(most)", "(more)", "(least)", "(text)", "(many)", "(closure)", "(paid)", "(mod)"}

// plainOperators is how many of them there are without those for strict runs.
const plainOperators = 7

const (
	concatOp = iota
	lengthOp
	forOp
	minusOp
	keyOp
	madeOp
	powerOp
	sameOp
	otherOp
	lessOp
	mostOp
	moreOp
	leastOp
	textOp
	manyOp
	closureOp
	paidOp
	modOp
)

// maxNesting bounds how deep a script may be nested. Lua's own limit is 200,
// but does not count what stands in a row, such as 1 + 1 + 1.
const maxNesting = 2000

// maxOperands is how many operands one call of concat takes; registers are few.
const maxOperands = 50

// A rewriter walks a script. It keeps the first error.
type rewriter struct {
	depth  int
	err    error
	names  names
	locals []variable       // in scope
	places map[string][]int // of the locals, by name
	level  int              // functions around this place
	strict bool             // for strict runs, see rewritestrict.go

	// These are for strict runs.
	uses      uses
	constants map[any]struct{} // of the function
	scans     int              // of all constants, at worst
	paid      *ast.AttrGetExpr // whose key the operator key pays for
}

// rewrite returns a chunk that takes the operators as its arguments and returns
// the chunk given as a function, and what errors may call its variables.
func rewrite(chunk []ast.Stmt, strict bool) ([]ast.Stmt, names, error) {
	r := &rewriter{names: names{}, strict: strict, places: map[string][]int{}}
	names := operatorNames[:plainOperators]
	if strict {
		names = operatorNames
		r.uses.look(chunk)
	}
	chunk = r.block(chunk)
	if r.err != nil {
		return nil, nil, r.err
	}
	// Taking note of ... keeps gopher-lua from making a table of the arguments.
	rest := &ast.LocalAssignStmt{Names: []string{"(rest)"}, Exprs: []ast.Expr{&ast.Comma3Expr{}}}
	last := 1
	if len(chunk) > 0 {
		last = max(chunk[len(chunk)-1].LastLine(), chunk[len(chunk)-1].Line())
	}
	script := &ast.FunctionExpr{ParList: &ast.ParList{HasVargs: true}, Stmts: append([]ast.Stmt{rest}, chunk...)}
	script.SetLine(1)
	script.SetLastLine(last)
	operators := &ast.LocalAssignStmt{Names: names, Exprs: []ast.Expr{&ast.Comma3Expr{}}}
	back := &ast.ReturnStmt{Exprs: []ast.Expr{script}}
	back.SetLine(last)
	return []ast.Stmt{operators, back}, r.names, nil
}

// enter counts a level of nesting and reports whether it is allowed.
func (r *rewriter) enter(at ast.PositionHolder) bool {
	r.depth++
	if r.depth > maxNesting && r.err == nil {
		r.err = fmt.Errorf("%d: chunk has too many syntax levels", at.Line())
	}
	return r.err == nil
}

func (r *rewriter) leave() { r.depth-- }

// operator returns a call of one of the operators.
func operator(op int, at ast.Expr, args ...ast.Expr) ast.Expr {
	for _, a := range args { // one value of each
		switch a := a.(type) {
		case *ast.FuncCallExpr:
			a.AdjustRet = true
		case *ast.Comma3Expr:
			a.AdjustRet = true
		}
	}
	name := &ast.IdentExpr{Value: operatorNames[op]}
	call := &ast.FuncCallExpr{Func: name, Args: args, AdjustRet: true}
	for _, n := range []ast.Expr{name, call} {
		n.SetLine(at.Line())
		n.SetLastLine(at.LastLine())
	}
	return call
}

func (r *rewriter) block(stmts []ast.Stmt) (all []ast.Stmt) {
	r.scoped(func() { all = r.statements(stmts) })
	return all
}

// stmt returns what takes the place of a statement.
func (r *rewriter) stmt(s ast.Stmt) ast.Stmt {
	defer r.leave()
	if !r.enter(s) {
		return s
	}
	switch s := s.(type) {
	case *ast.AssignStmt:
		return r.assign(s)
	case *ast.LocalAssignStmt:
		r.localNames(s)
	case *ast.FuncCallStmt:
		r.expr(&s.Expr)
	case *ast.DoBlockStmt:
		s.Stmts = r.block(s.Stmts)
	case *ast.WhileStmt:
		r.expr(&s.Condition)
		s.Stmts = r.block(s.Stmts)
	case *ast.RepeatStmt:
		r.scoped(func() {
			s.Stmts = r.statements(s.Stmts)
			r.expr(&s.Condition) // sees the locals of the block
		})
	case *ast.IfStmt:
		r.expr(&s.Condition)
		s.Then = r.block(s.Then)
		s.Else = r.block(s.Else)
	case *ast.NumberForStmt:
		r.loop(s)
	case *ast.GenericForStmt:
		r.exprs(s.Exprs)
		r.scoped(func() {
			r.declare(false, s.Names...)
			s.Stmts = r.block(s.Stmts)
		})
	case *ast.FuncDefStmt:
		if r.strict {
			return r.assign(definition(s))
		}
		if s.Name.Func != nil {
			r.expr(&s.Name.Func)
		}
		if s.Name.Receiver != nil {
			r.expr(&s.Name.Receiver)
		}
		r.function(s.Func, s.Name.Receiver != nil)
	case *ast.ReturnStmt:
		r.exprs(s.Exprs)
		r.open(s.Exprs)
	}
	return s
}

// localNames declares local variables: a local function before its body, others
// after their values.
func (r *rewriter) localNames(s *ast.LocalAssignStmt) {
	if len(s.Names) == 1 && len(s.Exprs) == 1 {
		if _, ok := s.Exprs[0].(*ast.FunctionExpr); ok {
			r.declare(true, s.Names...)
			x := s.Exprs[0].(*ast.FunctionExpr)
			if r.enter(x) {
				r.function(x, false)
			}
			r.leave()
			return
		}
	}
	r.exprs(s.Exprs)
	r.declare(false, s.Names...)
}

func (r *rewriter) function(f *ast.FunctionExpr, method bool) {
	r.level++
	r.rest(f)
	outer := r.constants
	r.constants = nil
	r.scoped(func() {
		if method {
			r.declare(false, "self")
		}
		r.declare(false, f.ParList.Names...)
		f.Stmts = r.block(f.Stmts)
	})
	r.constants = outer
	r.level--
}

// loop rewrites a numeric for: its numbers may be strings.
func (r *rewriter) loop(s *ast.NumberForStmt) {
	for i, e := range []*ast.Expr{&s.Init, &s.Limit, &s.Step} {
		if *e == nil {
			continue
		}
		r.expr(e)
		if _, ok := (*e).(*ast.NumberExpr); !ok {
			which := &ast.NumberExpr{Value: strconv.Itoa(i)}
			which.SetLine((*e).Line())
			*e = operator(forOp, *e, *e, which)
		}
	}
	r.scoped(func() {
		r.declare(false, s.Name)
		r.locals[len(r.locals)-1].number = r.strict && !r.uses.assigned[s.Name]
		s.Stmts = r.block(s.Stmts)
	})
}

func (r *rewriter) exprs(list []ast.Expr) {
	for i := range list {
		r.expr(&list[i])
	}
}

func (r *rewriter) expr(e *ast.Expr) {
	defer r.leave()
	if !r.enter(*e) {
		return
	}
	switch x := (*e).(type) {
	case *ast.NumberExpr:
		r.literal(x)
		r.constant(x.Value, x)
	case *ast.StringExpr:
		r.constant(x.Value, x)
	case *ast.IdentExpr:
		r.identifier(x.Value, x.Line())
		if _, ok := r.local(x.Value); !ok {
			r.constant(x.Value, x)
		}
	case *ast.AttrGetExpr:
		r.noteIndex(x)
		r.expr(&x.Object)
		r.index(x, r.paid == x)
	case *ast.TableExpr:
		size := r.size(x)
		r.constructor(x)
		if *e = operator(madeOp, x, x); size != nil {
			*e = operator(madeOp, x, x, size)
		}
	case *ast.FuncCallExpr:
		r.funcCall(x)
	case *ast.LogicalOpExpr:
		r.expr(&x.Lhs)
		r.expr(&x.Rhs)
	case *ast.RelationalOpExpr:
		*e = r.compare(x)
	case *ast.ArithmeticOpExpr:
		r.noteMath(x)
		r.expr(&x.Lhs)
		r.expr(&x.Rhs)
		switch {
		case x.Operator == "^":
			*e = r.power(x)
		case x.Operator == "%" && r.strict:
			*e = operator(modOp, x, x.Lhs, x.Rhs)
		}
	case *ast.StringConcatOpExpr:
		*e = r.concat(x)
	case *ast.UnaryMinusOpExpr:
		r.names.add(hint{x.Line(), hintMinus, ""}, r.describe(x.Expr))
		r.expr(&x.Expr)
		if _, ok := x.Expr.(*ast.NumberExpr); !ok {
			*e = operator(minusOp, x, x.Expr)
		}
	case *ast.UnaryNotOpExpr:
		r.expr(&x.Expr)
	case *ast.UnaryLenOpExpr:
		r.names.add(hint{x.Line(), hintLength, ""}, r.describe(x.Expr))
		r.expr(&x.Expr)
		*e = operator(lengthOp, x, x.Expr)
	case *ast.FunctionExpr:
		r.function(x, false)
		if r.strict {
			*e = operator(closureOp, x, x)
		}
	}
}

// funcCall rewrites the parts of a call.
func (r *rewriter) funcCall(x *ast.FuncCallExpr) {
	r.noteCall(x)
	if x.Func != nil {
		r.expr(&x.Func)
	}
	if x.Receiver != nil {
		r.expr(&x.Receiver)
	}
	r.exprs(x.Args)
	r.open(x.Args)
	if x.Func == nil {
		r.identifier(x.Method, x.Line())
		r.constant(x.Method, x)
	}
}

func (r *rewriter) constructor(x *ast.TableExpr) {
	for _, f := range x.Fields {
		if f.Key != nil {
			grows := mayGrow(&ast.AttrGetExpr{Key: f.Key})
			r.expr(&f.Key)
			if grows {
				none := &ast.NilExpr{}
				none.SetLine(x.Line())
				f.Key = operator(keyOp, f.Key, none, f.Key)
			}
		}
		r.expr(&f.Value)
	}
	if last := len(x.Fields) - 1; r.strict && last >= 0 && x.Fields[last].Key == nil {
		value := []ast.Expr{x.Fields[last].Value}
		r.open(value)
		x.Fields[last].Value = value[0]
	}
}

// concat makes one call of a row of concatenations.
func (r *rewriter) concat(x *ast.StringConcatOpExpr) ast.Expr {
	var operands []ast.Expr
	var e ast.Expr = x
	for {
		c, ok := e.(*ast.StringConcatOpExpr)
		if !ok {
			operands = append(operands, e)
			break
		}
		operands = append(operands, c.Lhs)
		e = c.Rhs
	}
	r.noteConcat(x, operands)
	r.exprs(operands)
	first := min(len(operands), maxOperands)
	e = operator(concatOp, x, operands[:first]...)
	for operands = operands[first:]; len(operands) > 0; operands = operands[first:] {
		first = min(len(operands), maxOperands)
		e = operator(concatOp, x, append([]ast.Expr{e}, operands[:first]...)...)
	}
	return e
}

// literal brings a number into decimal form.
func (r *rewriter) literal(x *ast.NumberExpr) {
	f, ok := parseNumber(x.Value)
	if !ok {
		if r.err == nil {
			r.err = fmt.Errorf("%d: malformed number near '%s'", x.Line(), x.Value)
		}
		return
	}
	x.Value = strconv.FormatFloat(f, 'g', -1, 64)
}
