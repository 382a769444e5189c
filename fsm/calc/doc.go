// Package calc has the functions of package math that need more than one
// rounding, with the same bits on every machine. What math returns is not: some
// of its functions are in assembly on some machines, and where a machine can
// multiply and add at once, the compiler lets the others do so.
//
// Numbers are computed as pairs, to some 100 bits, and rounded at the end. So a
// result is nearly always the number next to the true one, which is what the C
// libraries under Redis return too.
//
// The rule here: a product stands in a conversion, float64(a * b), which the
// language says is rounded, or in math.FMA, which is exact to the last bit
// wherever it runs.
package calc
