package server

import (
	"strings"
	"testing"
)

// A long string is sent from where it lies. It arrives whole, between others, and stays
// as it is while buffers are used again.
func TestLongStringsAreLent(t *testing.T) {
	f := start(t, Options{})
	me, other := dial(t, f.redis), dial(t, f.redis)
	sizes := []int{1, lendAt - 1, lendAt, lendAt + 1, flushAt, keepBuffer - 1, keepBuffer, keepBuffer + 1, 1 << 20}
	values := make([]string, len(sizes))
	var keys []string
	for i, size := range sizes {
		key := "key:" + string(rune('a'+i))
		keys = append(keys, key)
		values[i] = strings.Repeat(string(rune('a'+i)), size)
		me.sendWords("SET", key, values[i])
		me.expect("+OK\r\n")
	}
	other.sendWords("SUBSCRIBE", "c")
	other.next()
	for range 20 {
		me.sendWords(append([]string{"MGET"}, keys...)...)
		for _, key := range keys {
			me.sendWords("GET", key)
			me.sendWords("ECHO", strings.Repeat("#", 100))
		}
		for i, v := range me.next().Elems {
			if v.Str != values[i] {
				t.Fatalf("MGET answers %d bytes, %.20q, for %d of %.1q", len(v.Str), v.Str, len(values[i]), values[i])
			}
		}
		for i := range keys {
			if v := me.next(); v.Str != values[i] {
				t.Fatalf("GET answers %d bytes, %.20q, for %d of %.1q", len(v.Str), v.Str, len(values[i]), values[i])
			}
			if v := me.next(); v.Str != strings.Repeat("#", 100) {
				t.Fatalf("ECHO answers %.20q", v.Str)
			}
		}
	}
	for _, text := range values {
		me.sendWords("PUBLISH", "c", text)
		me.next()
		if v := other.next(); len(v.Elems) != 3 || v.Elems[2].Str != text {
			t.Fatalf("a message of %d bytes arrives as %.100v", len(text), v)
		}
	}
}
