package fsm

import (
	"fmt"

	"github.com/trivetdb/trivet/resp"
)

// The error replies, in Redis's words.
var (
	errSyntax     = resp.Err("ERR syntax error")
	errWrongType  = resp.Err("WRONGTYPE Operation against a key holding the wrong kind of value")
	errNotInteger = resp.Err("ERR value is not an integer or out of range")
	errNotFloat   = resp.Err("ERR value is not a valid float")
	errNaN        = resp.Err("ERR increment would produce NaN or Infinity")
	errOverflow   = resp.Err("ERR increment or decrement would overflow")
	errDecrement  = resp.Err("ERR decrement would overflow")
	errNoSuchKey  = resp.Err("ERR no such key")
	errOffset     = resp.Err("ERR offset is out of range")
	errTooLong    = resp.Err("ERR string exceeds maximum allowed size (proto-max-bulk-len)")
	errCursor     = resp.Err("ERR invalid cursor")
	errExpireNX   = resp.Err("ERR NX and XX, GT or LT options at the same time are not compatible")
	errScoreRange = resp.Err("ERR min or max is not a float")
	errLexRange   = resp.Err("ERR min or max not valid string range item")
	errScoreNaN   = resp.Err("ERR resulting score is not a number (NaN)")
	errExpireGTLT = resp.Err("ERR GT and LT options at the same time are not compatible")
)

func errArity(name string) resp.Value {
	return resp.Err(fmt.Sprintf("ERR wrong number of arguments for '%s' command", name))
}

func errExpireTime(name string) resp.Value {
	return resp.Err(fmt.Sprintf("ERR invalid expire time in '%s' command", name))
}

func errUnsupported(option []byte) resp.Value {
	return resp.Err(fmt.Sprintf("ERR Unsupported option %s", option))
}
