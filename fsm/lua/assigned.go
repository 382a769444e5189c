package lua

import (
	"reflect"

	"github.com/yuin/gopher-lua/ast"
)

// uses are what a chunk does with its variables, by their names alone.
type uses struct {
	assigned map[string]bool // a local variable of another name keeps its value
	arg      bool            // something is called arg
	depth    int
}

// look looks at a chunk. Where that is nested too deep, it stops: the rewriter will
// refuse the chunk.
func (u *uses) look(chunk []ast.Stmt) {
	u.assigned = map[string]bool{}
	u.visit(reflect.ValueOf(chunk))
}

// visit goes through a part of the syntax tree.
func (u *uses) visit(v reflect.Value) {
	switch v.Kind() {
	case reflect.Interface:
		u.visit(v.Elem())
	case reflect.Slice:
		for i := range v.Len() {
			u.visit(v.Index(i))
		}
	case reflect.Pointer:
		if u.depth++; !v.IsNil() && u.depth <= 2*maxNesting {
			u.node(v)
		}
		u.depth--
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && !f.Anonymous {
				u.visit(v.Field(i))
			}
		}
	}
}

func (u *uses) node(v reflect.Value) {
	switch node := v.Interface().(type) {
	case *ast.AssignStmt:
		for _, e := range node.Lhs {
			u.assign(e)
		}
	case *ast.FuncDefStmt:
		u.assign(node.Name.Func)
	case *ast.IdentExpr:
		u.arg = u.arg || node.Value == "arg"
	case *ast.StringConcatOpExpr: // long ones nest to the right
		var e ast.Expr = node
		for {
			c, ok := e.(*ast.StringConcatOpExpr)
			if !ok {
				u.visit(reflect.ValueOf(&e).Elem())
				return
			}
			u.visit(reflect.ValueOf(&c.Lhs).Elem())
			e = c.Rhs
		}
	}
	u.visit(v.Elem())
}

func (u *uses) assign(e ast.Expr) {
	if x, ok := e.(*ast.IdentExpr); ok {
		u.assigned[x.Value] = true
	}
}
