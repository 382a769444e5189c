package lua

import (
	"strconv"

	"github.com/yuin/gopher-lua/ast"
)

// assign rewrites an assignment. Where the table of t[k] = v is not just a
// variable, it becomes one: it must not be evaluated twice.
func (r *rewriter) assign(s *ast.AssignStmt) ast.Stmt {
	var objects []ast.Stmt
	for i, e := range s.Lhs {
		x, ok := e.(*ast.AttrGetExpr)
		grows := ok && mayGrow(x)
		many := len(s.Lhs) > 1 && !r.strict // rare, and charged less
		if grows && !many {
			r.paid = x
		}
		r.expr(&s.Lhs[i])
		if !grows {
			continue
		}
		name, simple := x.Object.(*ast.IdentExpr)
		if !simple {
			if many {
				continue
			}
			name = &ast.IdentExpr{Value: "(object" + strconv.Itoa(i) + ")"}
			name.SetLine(x.Line())
			object := &ast.LocalAssignStmt{Names: []string{name.Value}, Exprs: []ast.Expr{x.Object}}
			object.SetLine(s.Line())
			object.SetLastLine(s.LastLine())
			objects = append(objects, object)
			x.Object = name
		}
		again := *name
		x.Key = operator(keyOp, x, &again, x.Key)
	}
	r.exprs(s.Rhs)
	if len(objects) == 0 {
		return s
	}
	block := &ast.DoBlockStmt{Stmts: append(objects, s)}
	block.SetLine(s.Line())
	block.SetLastLine(s.LastLine())
	return block
}

// smallArray is how large arrays are that may cost what they like.
const smallArray = 64

// mayGrow reports whether t[k] = v may take much memory. It does not for t.x, for
// small numbers and for t[#t + 1].
func mayGrow(x *ast.AttrGetExpr) bool {
	switch key := x.Key.(type) {
	case *ast.StringExpr:
		return false
	case *ast.NumberExpr:
		n, ok := parseNumber(key.Value)
		return !ok || n > smallArray
	case *ast.ArithmeticOpExpr:
		size, ok := key.Lhs.(*ast.UnaryLenOpExpr)
		one, ok2 := key.Rhs.(*ast.NumberExpr)
		if !ok || !ok2 || key.Operator != "+" || one.Value != "1" {
			return true
		}
		a, ok := size.Expr.(*ast.IdentExpr)
		b, ok2 := x.Object.(*ast.IdentExpr)
		return !ok || !ok2 || a.Value != b.Value
	}
	return true
}
