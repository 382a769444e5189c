package fsm

import (
	"math"
	"math/big"
	"strings"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

func incr(tx *Tx, args [][]byte) resp.Value { return addTo(tx, args[1], 1) }
func decr(tx *Tx, args [][]byte) resp.Value { return addTo(tx, args[1], -1) }

func incrBy(tx *Tx, args [][]byte) resp.Value {
	n, ok := parseInt(args[2])
	if !ok {
		return errNotInteger
	}
	return addTo(tx, args[1], n)
}

func decrBy(tx *Tx, args [][]byte) resp.Value {
	n, ok := parseInt(args[2])
	switch {
	case !ok:
		return errNotInteger
	case n == math.MinInt64:
		return errDecrement
	}
	return addTo(tx, args[1], -n)
}

// integer returns the number that a string is.
func (o *object) integer() (int64, bool) {
	if o.val != nil { // a long string
		return 0, false
	}
	return parseInt([]byte(o.str))
}

// addTo adds to the integer at key. A value that a classic client stored as an
// integer stays one.
func addTo(tx *Tx, key []byte, n int64) resp.Value {
	o := tx.get(key)
	if !isString(o) {
		return errWrongType
	}
	old := int64(0)
	if o != nil {
		var ok bool
		if old, ok = o.integer(); !ok {
			return errNotInteger
		}
	}
	sum, ok := addInt(old, n)
	if !ok {
		return errOverflow
	}
	if o == nil {
		tx.put(key, &object{str: itoa(sum)})
	} else {
		tx.edit(key, o).str = itoa(sum)
	}
	tx.notify(notifyString, "incrby", key)
	return resp.Int(sum)
}

// The x87 format, in which Redis on amd64 adds; with it, 0.1+0.2 is 0.3 here as
// it is there.
const (
	floatBits   = 64     // of the mantissa
	maxFloatExp = 16384  // all is below 2 to this
	minFloatExp = -16445 // what is smaller becomes zero
	maxFloat    = 5120   // bytes of its text

	floatStep = 4   // what a byte of its text costs
	floatSum  = 100 // what a sum costs besides
)

// parseFloat reads a number as strtold does; ok is false for what is no number
// or out of range, and finite for an infinity.
func parseFloat(text []byte) (f *big.Float, finite, ok bool) {
	if len(text) >= maxFloat {
		return nil, false, false
	}
	s := strings.ToLower(string(text))
	digits := s
	if s != "" && (s[0] == '+' || s[0] == '-') {
		digits = s[1:]
	}
	if digits == "inf" || digits == "infinity" {
		return nil, false, true
	}
	known, exponent := "0123456789.e+-", "e"
	if strings.HasPrefix(digits, "0x") {
		known, exponent, digits = "0123456789abcdef.p+-", "p", digits[2:]
	}
	if strings.Trim(digits, known) != "" {
		return nil, false, false
	}
	// The first rounding is so fine that the second is in effect the only one.
	f, _, err := big.ParseFloat(s, 0, 4*floatBits, big.ToNearestEven)
	if err != nil || f.IsInf() {
		return nil, false, false
	}
	f.SetPrec(floatBits)
	mantissa, _, _ := strings.Cut(digits, exponent)
	if f.Sign() == 0 {
		return f, true, strings.Trim(mantissa, "0.") == ""
	}
	exp := f.MantExp(nil)
	return f, true, exp >= minFloatExp && exp <= maxFloatExp
}

// formatFloat writes f as Redis does: 17 decimals, without trailing zeros.
func formatFloat(f *big.Float) string {
	s := f.Text('f', 17)
	s = strings.TrimRight(s, "0")
	s = strings.TrimRight(s, ".")
	if s == "-0" {
		return "0"
	}
	return s
}

func incrByFloat(tx *Tx, args [][]byte) resp.Value {
	o := tx.get(args[1])
	if !isString(o) {
		return errWrongType
	}
	text := "0"
	if o != nil {
		text = o.text().head(maxFloat)
	}
	tx.charge(cost.Times(min(len(text), maxFloat)+min(len(args[2]), maxFloat), floatStep) + floatSum)
	old, finite, ok := parseFloat([]byte(text))
	by, byFinite, byOK := parseFloat(args[2])
	switch {
	case !ok || !byOK:
		return errNotFloat
	case !finite || !byFinite:
		return errNaN
	}
	f := new(big.Float).SetPrec(floatBits).Add(old, by)
	if f.MantExp(nil) > maxFloatExp {
		return errNaN
	}
	sum := formatFloat(f)
	if o == nil {
		tx.put(args[1], &object{str: sum})
	} else {
		tx.edit(args[1], o).setText(sum)
	}
	tx.notify(notifyString, "incrbyfloat", args[1])
	return resp.Str(sum)
}
