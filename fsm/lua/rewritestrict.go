package lua

import (
	"fmt"
	"strconv"

	"github.com/yuin/gopher-lua/ast"
)

// For strict runs more is rewritten: what may take long though it is one
// instruction, or takes memory that nothing else counts.
//
//	a == b            same(a, b)              and ~= < <= > >=, of what may be long strings
//	t[k]              t[text(k)]              k is hashed
//	f(...)            f(many(...))            all values are copied
//	function() end    closure(function() end)
//	a % b             mod(a, b)               slow where a is much larger
//	t.x = v           paid(20) before it
//	{nil, nil, ...}   made({...}, 3)
//
// Constants are looked for one by one when gopher-lua compiles them, so there is a
// bound to that.

const (
	// maxIdentifier bounds names, which are hashed, too.
	maxIdentifier = 255
	// maxShort is how long strings are that nothing is paid for.
	maxShort = 64
	// maxScans is how many constants the compiler may look at. It is 0.3 s.
	maxScans = 20_000_000
	// smallTable is how many elements of a constructor made does not count.
	smallTable = 8

	fieldCost = 20 // of a field t.x that a table may get
)

// comparisons are the operators that take the place of Lua's.
var comparisons = map[string]int{"==": sameOp, "~=": otherOp, "<": lessOp, "<=": mostOp, ">": moreOp, ">=": leastOp}

// isNumber reports whether a value surely is a number.
func (r *rewriter) isNumber(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.NumberExpr, *ast.UnaryLenOpExpr:
		return true
	case *ast.IdentExpr:
		v, ok := r.local(e.Value)
		return ok && v.number
	case *ast.ArithmeticOpExpr:
		return r.isNumber(e.Lhs) && r.isNumber(e.Rhs)
	}
	return false
}

// isShort reports whether a value surely is no long string.
func (r *rewriter) isShort(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.NilExpr, *ast.TrueExpr, *ast.FalseExpr, *ast.UnaryNotOpExpr, *ast.RelationalOpExpr, *ast.TableExpr, *ast.FunctionExpr:
		return true
	case *ast.StringExpr:
		return len(e.Value) <= maxShort
	}
	return r.isNumber(e)
}

// compare rewrites a comparison.
func (r *rewriter) compare(x *ast.RelationalOpExpr) ast.Expr {
	short := !r.strict || r.isShort(x.Lhs) || r.isShort(x.Rhs)
	r.expr(&x.Lhs)
	r.expr(&x.Rhs)
	if short {
		return x
	}
	return operator(comparisons[x.Operator], x, x.Lhs, x.Rhs)
}

// index rewrites the key of an index, whose object is rewritten.
func (r *rewriter) index(x *ast.AttrGetExpr, paid bool) {
	short := !r.strict || paid || r.isShort(x.Key)
	r.expr(&x.Key)
	if !short {
		x.Key = operator(textOp, x.Key, x.Key)
	}
}

// open rewrites the last of some expressions where it is the rest of a function's
// arguments.
func (r *rewriter) open(list []ast.Expr) {
	if !r.strict || len(list) == 0 {
		return
	}
	if rest, ok := list[len(list)-1].(*ast.Comma3Expr); ok && !rest.AdjustRet {
		name := &ast.IdentExpr{Value: operatorNames[manyOp]}
		call := &ast.FuncCallExpr{Func: name, Args: []ast.Expr{rest}}
		for _, n := range []ast.Expr{name, call} {
			n.SetLine(rest.Line())
			n.SetLastLine(rest.LastLine())
		}
		list[len(list)-1] = call
	}
}

// call returns a statement that calls one of the operators.
func (r *rewriter) call(op int, at ast.PositionHolder, arg ast.Expr) ast.Stmt {
	arg.SetLine(at.Line())
	arg.SetLastLine(at.Line())
	s := &ast.FuncCallStmt{Expr: operator(op, arg, arg)}
	s.Expr.(*ast.FuncCallExpr).AdjustRet = false
	s.SetLine(at.Line())
	s.SetLastLine(at.Line())
	return s
}

// fields returns how many fields t.x a statement sets.
func fields(s ast.Stmt) (n int) {
	var targets []ast.Expr
	switch s := s.(type) {
	case *ast.AssignStmt:
		targets = s.Lhs
	case *ast.FuncDefStmt:
		targets = []ast.Expr{s.Name.Func}
		if s.Name.Receiver != nil {
			n++
		}
	}
	for _, e := range targets {
		if x, ok := e.(*ast.AttrGetExpr); ok {
			if _, ok := x.Key.(*ast.StringExpr); ok {
				n++
			}
		}
	}
	return n
}

// statements rewrites the statements of a block. What they take that nothing else
// counts is paid at the start, or before each where a goto may lead into the middle.
func (r *rewriter) statements(stmts []ast.Stmt) []ast.Stmt {
	if !r.strict {
		for i, s := range stmts {
			stmts[i] = r.stmt(s)
		}
		return stmts
	}
	sum, labels := 0, false
	for _, s := range stmts {
		_, ok := s.(*ast.LabelStmt)
		labels = labels || ok
		sum += fields(s)
	}
	var all []ast.Stmt
	pay := func(n int, at ast.Stmt) {
		if n > 0 {
			all = append(all, r.call(paidOp, at, &ast.NumberExpr{Value: strconv.Itoa(n * fieldCost)}))
		}
	}
	if !labels && sum > 0 {
		pay(sum, stmts[0])
	}
	for _, s := range stmts {
		if labels {
			pay(fields(s), s)
		}
		name := localFunction(s)
		all = append(all, r.stmt(s))
		if name != "" { // it sees itself, so it cannot be wrapped
			all = append(all, r.call(closureOp, s, &ast.IdentExpr{Value: name}))
		}
	}
	return all
}

// localFunction returns the name of a local function that a statement declares.
func localFunction(s ast.Stmt) string {
	if s, ok := s.(*ast.LocalAssignStmt); ok && len(s.Names) == 1 && len(s.Exprs) == 1 {
		if _, ok := s.Exprs[0].(*ast.FunctionExpr); ok {
			return s.Names[0]
		}
	}
	return ""
}

// definition returns the assignment that "function a.b:c() end" stands for.
func definition(s *ast.FuncDefStmt) *ast.AssignStmt {
	target := s.Name.Func
	if s.Name.Receiver != nil {
		key := &ast.StringExpr{Value: s.Name.Method}
		key.SetLine(s.Line())
		target = &ast.AttrGetExpr{Object: s.Name.Receiver, Key: key}
		target.SetLine(s.Line())
		target.SetLastLine(s.Line())
		s.Func.ParList.Names = append([]string{"self"}, s.Func.ParList.Names...)
	}
	a := &ast.AssignStmt{Lhs: []ast.Expr{target}, Rhs: []ast.Expr{s.Func}}
	a.SetLine(s.Line())
	a.SetLastLine(s.LastLine())
	return a
}

// rest keeps gopher-lua from making a table of a function's further arguments at
// each call, unless the function may use it.
func (r *rewriter) rest(f *ast.FunctionExpr) {
	if !r.strict || !f.ParList.HasVargs {
		return
	}
	if r.uses.arg {
		table := strconv.Itoa(tableCost + strictTable)
		f.Stmts = append([]ast.Stmt{r.call(paidOp, f, &ast.NumberExpr{Value: table})}, f.Stmts...)
		return
	}
	rest := &ast.LocalAssignStmt{Names: []string{"(rest)"}, Exprs: []ast.Expr{&ast.Comma3Expr{}}}
	rest.SetLine(f.Line())
	rest.Exprs[0].SetLine(f.Line())
	f.Stmts = append([]ast.Stmt{rest}, f.Stmts...)
}

// size returns what made is to count of a constructor: its elements and fields.
func (r *rewriter) size(x *ast.TableExpr) ast.Expr {
	if !r.strict || len(x.Fields) <= smallTable {
		return nil
	}
	n := 0
	for _, f := range x.Fields {
		if n += registerCost; f.Key != nil {
			n += fieldCost
		}
	}
	size := &ast.NumberExpr{Value: strconv.Itoa(n)}
	size.SetLine(x.Line())
	return size
}

// constant notes that a function has a constant.
func (r *rewriter) constant(v any, at ast.PositionHolder) {
	if !r.strict {
		return
	}
	if r.constants == nil {
		r.constants = map[any]struct{}{}
	}
	r.constants[v] = struct{}{}
	if r.scans += len(r.constants); r.scans > maxScans && r.err == nil {
		r.err = fmt.Errorf("%d: constant table overflow", at.Line())
	}
}

// identifier checks a name.
func (r *rewriter) identifier(name string, line int) {
	if r.strict && len(name) > maxIdentifier && r.err == nil {
		r.err = fmt.Errorf("%d: name is too long near '%s'", line, name[:maxIdentifier])
	}
}
