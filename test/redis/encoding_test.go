//go:build redis

package redis

import (
	"fmt"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/fsm"
)

// TestEncodings compares OBJECT ENCODING around the sizes at which it changes. Of
// lists, and of small sets of words, it differs from that of Redis 7.0.
func TestEncodings(t *testing.T) {
	r, st := startRedis(t), &state{State: fsm.NewStateAt(fsm.NewestLevel)}
	ours := st.answers(t)
	same := func(key string) {
		t.Helper()
		if got, want := ours("OBJECT", "ENCODING", key).Str, r.do("OBJECT", "ENCODING", key).Str; got != want {
			t.Errorf("%s: got %s, want %s", key, got, want)
		}
	}
	both := func(words ...string) {
		t.Helper()
		r.do(words...)
		ours(words...)
	}
	for _, n := range []int{1, 127, 128, 129, 511, 512, 513} {
		for _, size := range []int{0, 58, 59, 60, 61} { // with the word some 64 bytes
			hash, zset := []string{"HSET", fmt.Sprint("h:", n, ":", size)}, []string{"ZADD", fmt.Sprint("z:", n, ":", size)}
			values := []string{"HSET", fmt.Sprint("v:", n, ":", size)}
			for i, word := range words(n, 0) {
				long := strings.Repeat("x", size*(i/(n-i))) // the last one
				hash = append(hash, word+long, "v")
				values = append(values, word, word+long)
				zset = append(zset, itoa(i), word+long)
			}
			for _, words := range [][]string{hash, zset, values} {
				both(words...)
				same(words[1])
			}
		}
		both(append([]string{"SADD", fmt.Sprint("ints:", n)}, numbers(n)...)...)
		same(fmt.Sprint("ints:", n))
	}
	both("SADD", "ints:129", "word")
	same("ints:129")
	for i, s := range []string{"", "1", "-1", "01", "+1", "9223372036854775807", "9223372036854775808", "-9223372036854775808", "1.5",
		strings.Repeat("x", 44), strings.Repeat("x", 45), strings.Repeat("1", 44)} {
		key := fmt.Sprint("string:", i)
		both("SET", key, s)
		same(key)
		both("RESTORE", key, "0", r.do("DUMP", key).Str, "REPLACE")
		same(key)
	}
	both("INCR", "counter")
	same("counter")
}
