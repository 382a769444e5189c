package resp

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"strings"
	"testing"
	"testing/iotest"
)

// small limits let the fuzzer reach them.
var small = Limits{Bulk: 64, Args: 16, Inline: 48, Depth: 5, Total: 2000}

// known fails unless err is one that bytes may cause.
func known(t *testing.T, err error) {
	t.Helper()
	var pe ProtocolError
	if err != io.EOF && err != io.ErrUnexpectedEOF && !errors.As(err, &pe) {
		t.Fatalf("unknown error %v", err)
	}
}

// However bytes arrive, the commands are the same, and what was read can be
// written and read again.
func FuzzReadCommand(f *testing.F) {
	for _, s := range []string{
		set, "PING\r\n", "SET \"a\\x00\" 'b\\''\n", "*1\r\n$4\r\nPING\r\n*0\r\n\r\nGET k\r\n", "*-1\r\n*2\r\n$1\r\na\r\n$0\r\n\r\n",
		"*1\r\n$-1\r\n", "*1\r\n+x\r\n", "*99999999999999999999\r\n", "*1\r\n$9223372036854775807\r\n", "\"a\"b\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		whole := commands(bytes.NewReader(in), small)
		if got := commands(iotest.OneByteReader(bytes.NewReader(in)), small); got != whole {
			t.Fatalf("in pieces %q, at once %q", got, whole)
		}
		r := NewReader(bytes.NewReader(in), DefaultLimits)
		for {
			args, err := r.ReadCommand()
			if err != nil {
				known(t, err)
				return
			}
			var v Value
			v.Kind = Array
			for _, a := range args {
				v.Elems = append(v.Elems, Str(string(a)))
			}
			again, err := NewReader(bytes.NewReader(v.Append(nil, RESP2)), DefaultLimits).ReadCommand()
			if err != nil || len(again) != len(args) {
				t.Fatalf("%q again: %q, %v", args, again, err)
			}
			for i := range args {
				if !bytes.Equal(args[i], again[i]) {
					t.Fatalf("%q again: %q", args, again)
				}
			}
		}
	})
}

// However bytes arrive, the values are the same, and what was read can be
// written and read again.
func FuzzReadValue(f *testing.F) {
	for _, s := range []string{
		"+OK\r\n-ERR x\r\n:1\r\n$3\r\nabc\r\n$-1\r\n*-1\r\n_\r\n", "*2\r\n%1\r\n+a\r\n~1\r\n#t\r\n,1.5\r\n", "=7\r\ntxt:abc\r\n",
		">1\r\n(123\r\n", "&1\r\n:1\r\n*0\r\n", ",inf\r\n,-inf\r\n,nan\r\n,-0\r\n", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n", "$9223372036854775807\r\n", "x",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		rest := in
		whole := NewReader(bytes.NewReader(in), small)
		pieces := NewReader(iotest.OneByteReader(bytes.NewReader(in)), small)
		for {
			v, err := whole.ReadValue()
			v2, err2 := pieces.ReadValue()
			v3, rest3, err3 := ParseValue(rest, small)
			if err != err2 || err != err3 || !equal(v, v2) || !equal(v, v3) {
				t.Fatalf("at once %v, %v; in pieces %v, %v; from memory %v, %v", v, err, v2, err2, v3, err3)
			}
			if err != nil {
				known(t, err)
				return
			}
			rest = rest3
			roundTrip(t, v)
		}
	})
}

// roundTrip fails unless v can be written and read again, and then written to
// the same bytes.
func roundTrip(t *testing.T, v Value) {
	t.Helper()
	b := v.Append(nil, Canonical)
	again, rest, err := ParseValue(b, NoLimits)
	if err != nil || len(rest) > 0 || !equal(v, again) {
		t.Fatalf("wrote %v as %q, read %v, %q, %v", v, b, again, rest, err)
	}
	if b2 := again.Append(nil, Canonical); !bytes.Equal(b, b2) {
		t.Fatalf("wrote %q, then %q", b, b2)
	}
	for _, d := range []Dialect{RESP2, RESP3, Classic} {
		if _, rest, err := ParseValue(v.Append(nil, d), NoLimits); err != nil || len(rest) > 0 {
			t.Fatalf("dialect %d of %v: %q, %v", d, v, rest, err)
		}
	}
}

// Any value that keeps the rules of doc.go survives Canonical.
func FuzzRoundTrip(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("\x07\x03\x04\x00\x00\x00\x00\x00\x00\x00\x00\x05\x02ab\x06\x01\x00"))
	f.Add([]byte("\x09\xff\xff\xff\xff\xff\xff\xff\xff"))
	f.Fuzz(func(t *testing.T, in []byte) {
		v, _ := build(in, 8)
		roundTrip(t, v)
	})
}

// build makes a value out of in, and returns what it did not use.
func build(in []byte, depth int) (Value, []byte) {
	if len(in) == 0 {
		return Nil, nil
	}
	v := Value{Kind: Kind(in[0]) % (Keyed + 1)}
	in = in[1:]
	count := func(most int) (n int) {
		if len(in) > 0 {
			n, in = int(in[0])%most, in[1:]
		}
		return n
	}
	switch v.Kind {
	case Integer, Double:
		var buf [8]byte
		in = in[copy(buf[:], in):]
		v.Int = int64(binary.BigEndian.Uint64(buf[:]))
		if math.IsNaN(v.Float()) && v.Kind == Double {
			v = Float(math.NaN()) // a NaN's payload is no part of the value
		}
	case Bool:
		v.Int = int64(count(2))
	case BigNumber:
		v.Str = strings.Repeat("7", 1+count(30))
	case Simple, Error, Bulk, Verbatim:
		n := min(count(256), len(in))
		v.Str, in = string(in[:n]), in[n:]
		if v.Kind == Simple || v.Kind == Error {
			v.Str = strings.NewReplacer("\r", "", "\n", "").Replace(v.Str)
		}
	case Array, Map, Set, Push, Pairs, Keyed:
		n := count(8)
		if v.Kind == Map || v.Kind == Pairs || v.Kind == Keyed {
			n *= 2
		}
		for range n * min(depth, 1) {
			var e Value
			e, in = build(in, depth-1)
			v.Elems = append(v.Elems, e)
		}
	}
	return v, in
}
