package lua

import (
	"fmt"
	"strconv"

	"github.com/yuin/gopher-lua/ast"
)

// Lua names the variable in errors such as "attempt to index local 'x' (a nil
// value)". Gopher-lua does not, so the rewriter notes which names could be meant
// at each line; where there is more than one, the error goes without.

// A hint is a place where an operation may fail.
type hint struct {
	line   int
	op     byte   // one of the constants below
	detail string // what tells the operations of a line apart
}

const (
	hintIndex  = 'i' // detail: the key
	hintCall   = 'c'
	hintMath   = 'm' // detail: the operator, and l or r for the side
	hintConcat = '.' // detail: which operand
	hintLength = '#'
	hintMinus  = '-'
)

// names are the hints of a chunk: a description such as "local 'x'", or nothing
// where there are several.
type names map[hint]string

func (n names) add(h hint, text string) {
	if old, ok := n[h]; ok && old != text {
		text = ""
	}
	n[h] = text
}

// of returns what an error says of a value of a kind: "local 'x' (a nil value)".
func (n names) of(h hint, kind string) string {
	if text := n[h]; text != "" {
		return fmt.Sprintf("%s (a %s value)", text, kind)
	}
	return "a " + kind + " value"
}

// A variable is a local one that is in scope.
type variable struct {
	name     string
	level    int  // how many functions lie around it
	function bool // it surely holds a function
	number   bool // it surely holds a number
}

// scoped calls f, and ends the scope of what it declares.
func (r *rewriter) scoped(f func()) {
	mark := len(r.locals)
	f()
	for _, v := range r.locals[mark:] {
		places := r.places[v.name]
		r.places[v.name] = places[:len(places)-1]
	}
	r.locals = r.locals[:mark]
}

func (r *rewriter) declare(function bool, list ...string) {
	for _, name := range list {
		r.identifier(name, 0)
		r.places[name] = append(r.places[name], len(r.locals))
		r.locals = append(r.locals, variable{name: name, level: r.level, function: function})
	}
}

// local finds a local variable.
func (r *rewriter) local(name string) (variable, bool) {
	if places := r.places[name]; len(places) > 0 {
		return r.locals[places[len(places)-1]], true
	}
	return variable{}, false
}

// describe returns what Lua calls an expression in errors, or nothing.
func (r *rewriter) describe(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.IdentExpr:
		kind := "global"
		if v, ok := r.local(e.Value); ok {
			if kind = "local"; v.level < r.level {
				kind = "upvalue"
			}
		}
		return kind + " '" + e.Value + "'"
	case *ast.AttrGetExpr:
		if key, ok := e.Key.(*ast.StringExpr); ok {
			return "field '" + key.Value + "'"
		}
		return "field '?'"
	}
	return ""
}

// exists reports whether an expression surely is one of the functions that all
// scripts have, or a local function.
func (r *rewriter) exists(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.IdentExpr:
		v, ok := r.local(e.Value)
		return ok && v.function || !ok && known("_G", e.Value)
	case *ast.AttrGetExpr:
		object, ok := e.Object.(*ast.IdentExpr)
		key, ok2 := e.Key.(*ast.StringExpr)
		if !ok || !ok2 {
			return false
		}
		_, hidden := r.local(object.Value)
		loads := r.level == 0 && object.Value == "redis" && key.Value == "register_function"
		return !hidden && (loads || known(object.Value, key.Value))
	}
	return false
}

func (r *rewriter) noteCall(x *ast.FuncCallExpr) {
	switch {
	case x.Func == nil:
		if !known("string", x.Method) {
			r.names.add(hint{x.Line(), hintCall, ""}, "method '"+x.Method+"'")
		}
		r.names.add(hint{x.Line(), hintIndex, x.Method}, r.describe(x.Receiver))
	case !r.exists(x.Func):
		r.names.add(hint{x.Line(), hintCall, ""}, r.describe(x.Func))
	}
}

func (r *rewriter) noteIndex(x *ast.AttrGetExpr) {
	if key, ok := x.Key.(*ast.StringExpr); ok {
		r.names.add(hint{x.Line(), hintIndex, key.Value}, r.describe(x.Object))
	} else {
		r.names.add(hint{x.Line(), hintIndex, ""}, r.describe(x.Object))
	}
}

var operatorEvents = map[string]string{"+": "add", "-": "sub", "*": "mul", "/": "div", "%": "mod", "^": "pow"}

func (r *rewriter) noteMath(x *ast.ArithmeticOpExpr) {
	event := operatorEvents[x.Operator]
	r.names.add(hint{x.Line(), hintMath, event + "l"}, r.describe(x.Lhs))
	r.names.add(hint{x.Line(), hintMath, event + "r"}, r.describe(x.Rhs))
}

func (r *rewriter) noteConcat(x ast.Expr, operands []ast.Expr) {
	for i, e := range operands {
		r.names.add(hint{x.Line(), hintConcat, strconv.Itoa(i + 1)}, r.describe(e))
	}
}
