package resp

import (
	"strings"
	"testing"
)

// BenchmarkReadCommand reads SETs of 64 bytes, pipelined 64 deep.
func BenchmarkReadCommand(b *testing.B) {
	r := NewReader(&repeat{in: strings.Repeat(set, 64)}, DefaultLimits)
	b.SetBytes(int64(len(set)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.ReadCommand(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReadLarge reads SETs of 100 KB.
func BenchmarkReadLarge(b *testing.B) {
	in := "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$102400\r\n" + strings.Repeat("v", 102400) + "\r\n"
	r := NewReader(&repeat{in: in}, DefaultLimits)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.ReadCommand(); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseValue(b *testing.B) {
	in := Strs("RPUSH", "queue", strings.Repeat("v", 64)).Append(nil, Canonical)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	for b.Loop() {
		if _, _, err := ParseValue(in, DefaultLimits); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	values := map[string]Value{
		"status":  OK,
		"integer": Int(12345),
		"bulk":    Str(strings.Repeat("v", 64)),
		"array":   Strs("queue", strings.Repeat("v", 64)),
		"double":  Float(3.14159),
	}
	for name, v := range values {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			var dst []byte
			for b.Loop() {
				dst = v.Append(dst[:0], RESP2)
			}
		})
	}
}
