package lua

import (
	"math"
	"strconv"

	"github.com/trivetdb/trivet/fsm/calc"
	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
)

// power is the operator ^, which gopher-lua computes otherwise on other machines.
func power(c call) int {
	c.charge(mathCost)
	if f := metamethod(c.Get(1), "__pow"); f != lua.LNil {
		c.Push(c.callback(f, c.Get(1), c.Get(2)))
		return 1
	}
	return c.arithmetic("__pow", calc.Pow)
}

// mod is the operator %, for strict runs.
func mod(c call) int {
	a, ok := c.Get(1).(lua.LNumber)
	b, ok2 := c.Get(2).(lua.LNumber)
	if ok && ok2 {
		c.payMod(float64(a), float64(b))
		return c.pushNumber(modulo(float64(a), float64(b)))
	}
	if f := metamethod(c.Get(1), "__mod"); f != lua.LNil {
		c.Push(c.callback(f, c.Get(1), c.Get(2)))
		return 1
	}
	return c.arithmetic("__mod", modulo)
}

// power returns a call, or the result where both sides are literals.
func (r *rewriter) power(x *ast.ArithmeticOpExpr) ast.Expr {
	a, ok := x.Lhs.(*ast.NumberExpr)
	b, ok2 := x.Rhs.(*ast.NumberExpr)
	if !ok || !ok2 {
		return operator(powerOp, x, x.Lhs, x.Rhs)
	}
	f, _ := parseNumber(a.Value) // in decimal form by now
	g, _ := parseNumber(b.Value)
	result := calc.Pow(f, g)
	if math.IsInf(result, 0) {
		return operator(powerOp, x, x.Lhs, x.Rhs)
	}
	a.Value = strconv.FormatFloat(result, 'g', -1, 64)
	return a
}
