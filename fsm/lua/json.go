package lua

import (
	lua "github.com/yuin/gopher-lua"
)

// The library cjson.
var jsonFunctions = map[string]function{
	"encode":                  jsonEncode,
	"decode":                  jsonDecode,
	"encode_sparse_array":     jsonSparse,
	"encode_max_depth":        func(c call) int { return c.depth(&c.run().config().encodeDepth) },
	"decode_max_depth":        func(c call) int { return c.depth(&c.run().config().decodeDepth) },
	"encode_number_precision": jsonPrecision,
	"encode_keep_buffer":      func(c call) int { return c.toggle(&c.run().config().keepBuffer) },
	"encode_invalid_numbers":  jsonEncodeInvalid,
	"decode_invalid_numbers":  func(c call) int { return c.toggle(&c.run().config().decodeInvalid) },
	"new":                     jsonNew,
}

var jsonConstants = map[string]lua.LValue{
	"null": null, "_NAME": lua.LString("cjson"), "_VERSION": lua.LString("2.1.0"),
}

// A jsonConfig is what scripts can set of cjson. In Redis it outlives the
// script; here it cannot, as the outcome of a script must not depend on others.
type jsonConfig struct {
	convertSparse, keepBuffer    bool
	encodeInvalid, decodeInvalid bool
	invalidNull                  bool // numbers that JSON lacks become null
	sparseRatio, sparseSafe      int
	encodeDepth, decodeDepth     int
	precision                    int
}

func (r *run) config() *jsonConfig {
	if r.json == nil {
		r.json = &jsonConfig{
			keepBuffer: true, decodeInvalid: true, sparseRatio: 2, sparseSafe: 10,
			encodeDepth: 1000, decodeDepth: 1000, precision: 14,
		}
	}
	return r.json
}

const maxSetting = 1<<31 - 1

// setting reads argument n, where there is one, as an integer within limits.
func (c call) setting(n int, value *int, low, high int) {
	if c.Get(n) == lua.LNil {
		return
	}
	i := c.int(n)
	if i < low || i > high {
		c.argError(n, "expected integer between %d and %d", low, high)
	}
	*value = i
}

func (c call) limit(n int) {
	if c.GetTop() > n {
		c.argError(n+1, "found too many arguments")
	}
}

func (c call) depth(value *int) int {
	c.limit(1)
	c.setting(1, value, 1, maxSetting)
	return c.pushNumber(float64(*value))
}

func (c call) toggle(value *bool) int {
	c.limit(1)
	if v := c.Get(1); v != lua.LNil {
		b, ok := v.(lua.LBool)
		if !ok {
			c.argError(1, "invalid option '%s'", c.str(1))
		}
		*value = bool(b)
	}
	c.Push(lua.LBool(*value))
	return 1
}

func jsonPrecision(c call) int {
	c.limit(1)
	cfg := c.run().config()
	c.setting(1, &cfg.precision, 1, 14)
	return c.pushNumber(float64(cfg.precision))
}

func jsonSparse(c call) int {
	c.limit(3)
	cfg := c.run().config()
	if v, ok := c.Get(1).(lua.LBool); ok {
		cfg.convertSparse = bool(v)
	}
	c.setting(2, &cfg.sparseRatio, 0, maxSetting)
	c.setting(3, &cfg.sparseSafe, 0, maxSetting)
	c.Push(lua.LBool(cfg.convertSparse))
	c.pushNumber(float64(cfg.sparseRatio))
	return 2 + c.pushNumber(float64(cfg.sparseSafe))
}

func jsonEncodeInvalid(c call) int {
	c.limit(1)
	cfg := c.run().config()
	switch v := c.Get(1).(type) {
	case lua.LBool:
		cfg.encodeInvalid, cfg.invalidNull = bool(v), false
	case lua.LString:
		if v != "null" {
			c.argError(1, "invalid option '%s'", string(v))
		}
		cfg.encodeInvalid, cfg.invalidNull = false, true
	case *lua.LNilType:
	default:
		c.typeError(1, "boolean")
	}
	if cfg.invalidNull {
		c.Push(lua.LString("null"))
	} else {
		c.Push(lua.LBool(cfg.encodeInvalid))
	}
	return 1
}

// jsonNew returns the library itself: its settings end with the script.
func jsonNew(c call) int {
	c.Push(globals.RawGetString("cjson"))
	return 1
}
