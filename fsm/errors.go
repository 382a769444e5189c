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
	errIndex      = resp.Err("ERR index out of range")
	errPositive   = resp.Err("ERR value is out of range, must be positive")
	errRange      = resp.Err("ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807")
	errOutOfRange = resp.Err("ERR value is out of range")
	errRank       = resp.Err("ERR RANK can't be zero: use 1 to start from the first match, 2 from the second ... or use negative to start from the end of the list")
	errPosCount   = resp.Err("ERR COUNT can't be negative")
	errMaxLen     = resp.Err("ERR MAXLEN can't be negative")
	errNumKeys    = resp.Err("ERR numkeys should be greater than 0")
	errManyKeys   = resp.Err("ERR Number of keys can't be greater than number of args")
	errCount      = resp.Err("ERR count should be greater than 0")
	errInfinity   = resp.Err("ERR value is NaN or Infinity")
	errHashInt    = resp.Err("ERR hash value is not an integer")
	errHashFloat  = resp.Err("ERR hash value is not a float")
	errSameObject = resp.Err("ERR source and destination objects are the same")
	errInt32      = resp.Err("ERR value is out of range, value must between -2147483648 and 2147483647")
	errNoFreq     = resp.Err("ERR An LFU maxmemory policy is not selected, access frequency not tracked. Please note that when switching between policies at runtime LRU and LFU data will take some time to adjust.")
	errDBIndex    = resp.Err("ERR DB index is out of range")
	errExpireGTLT = resp.Err("ERR GT and LT options at the same time are not compatible")
)

// About sorted sets.
var (
	errScoreRange = resp.Err("ERR min or max is not a float")
	errLexRange   = resp.Err("ERR min or max not valid string range item")
	errZaddNXXX   = resp.Err("ERR XX and NX options at the same time are not compatible")
	errZaddGTLT   = resp.Err("ERR GT, LT, and/or NX options at the same time are not compatible")
	errZaddIncr   = resp.Err("ERR INCR option supports a single increment-element pair")
	errRangeLimit = resp.Err("ERR syntax error, LIMIT is only supported in combination with either BYSCORE or BYLEX")
	errRangeLex   = resp.Err("ERR syntax error, WITHSCORES not supported in combination with BYLEX")
	errWeight     = resp.Err("ERR weight value is not a float")
	errLimit      = resp.Err("ERR LIMIT can't be negative")
	errScoreNaN   = resp.Err("ERR resulting score is not a number (NaN)")
)

// About LCS.
var (
	errLCSBoth   = resp.Err("ERR If you want both the length and indexes, please just use IDX.")
	errLCSType   = resp.Err("ERR The specified keys must contain string values")
	errLCSMemory = resp.Err("ERR Insufficient memory, failed allocating transient memory for LCS")
)

// About blocking.
var (
	errTimeout         = resp.Err("ERR timeout is not a float or out of range")
	errTimeoutNegative = resp.Err("ERR timeout is negative")
	errTimeoutRange    = resp.Err("ERR timeout is out of range")
)

func errArity(name string) resp.Value {
	return resp.Err(fmt.Sprintf("ERR wrong number of arguments for '%s' command", name))
}

func errExpireTime(name string) resp.Value {
	return resp.Err(fmt.Sprintf("ERR invalid expire time in '%s' command", name))
}

func errNoInput(name string) resp.Value {
	return resp.Err(fmt.Sprintf("ERR at least 1 input key is needed for '%s' command", name))
}

func errUnsupported(option []byte) resp.Value {
	return resp.Err(fmt.Sprintf("ERR Unsupported option %s", option))
}
