package fsm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc64"
	"slices"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// repeated returns a command and n times the same argument.
func repeated(n int, arg string, words ...string) []string {
	return append(words, slices.Repeat([]string{arg}, n)...)
}

// costly returns commands that take more work than one may do, on what fillCostly
// makes.
func costly() map[string][]string {
	fields := []string{"BITFIELD", "big"}
	for i := range 20_000 {
		fields = append(fields, "SET", "u8", fmt.Sprint("#", i*3331), "1")
	}
	return map[string][]string{
		"BITOP":    repeated(20, "big", "BITOP", "OR", "to"),
		"PFCOUNT":  repeated(12_000, "hll", "PFCOUNT"),
		"PFMERGE":  repeated(12_000, "hll", "PFMERGE", "to"),
		"PFADD":    repeated(20_000, "a", "PFADD", "odd"),
		"BITFIELD": fields,
		"RESTORE LZF": {"RESTORE", "to", "0", sealedDump(append([]byte{1, 4}, // a list of four
			slices.Repeat([]byte(lzfString(60<<20)), 4)...)), "REPLACE"},
		"RESTORE integers": {"RESTORE", "to", "0", sealedDump(intset(1 << 20)), "REPLACE"},
	}
}

// replying are commands on it whose replies would be too large.
func replying() map[string][]string {
	return map[string][]string{
		"MGET":         repeated(3, "big", "MGET"),
		"CLASSIC|MGET": repeated(3, "big", "CLASSIC|MGET"),
	}
}

func fillCostly(m *machine) {
	m.check = false
	m.big("SETRANGE", "big", itoa(int64(maxString-1)), "x")
	m.big("PFADD", "hll", "a")
	m.big("SET", "odd", oddHLL())
}

// oddHLL is a HyperLogLog of the sparse encoding that is as long as one can be.
func oddHLL() string {
	b := append([]byte(hllMagic), hllSparse, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, hllStale)
	for range hllRegisters {
		b = append(b, valueOp(1, 1))
	}
	return string(b)
}

// lzfString returns n bytes as RDB data that was compressed.
func lzfString(n int) string {
	packed := []byte{0, 'x'}
	for left := n - 1; left > 0; {
		run := min(left, 264)
		if run < 9 {
			for range run {
				packed = append(packed, 0, 'x')
			}
		} else {
			packed = append(packed, 7<<5, byte(run-9), 0)
		}
		left -= run
	}
	long := func(n int) []byte { return []byte{0x80, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)} }
	return "\xc3" + string(long(len(packed))) + string(long(n)) + string(packed)
}

// sealedDump returns what DUMP answers with a body.
func sealedDump(body []byte) string {
	b := append(bytes.Clone(body), 10, 0) // the version
	sum := ^crc64.Update(^uint64(0), crc64.MakeTable(0x95ac9329ac4bc9b5), b)
	return string(binary.LittleEndian.AppendUint64(b, sum))
}

// intset returns an intset as RDB data.
func intset(n int) []byte {
	b := []byte{11, 0x80, 0, 0, 0, 0, 4, 0, 0, 0, byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)}
	for i := range n {
		b = append(b, byte(i), byte(i>>8), byte(i>>16), byte(i>>24))
	}
	size := len(b) - 6
	copy(b[2:], []byte{byte(size >> 24), byte(size >> 16), byte(size >> 8), byte(size)})
	return b
}

// What takes too much work ends without effect at the newest level, and is done, or
// refused as ever, at level 0.
func TestStringsCost(t *testing.T) {
	m := newMachine(t)
	fillCostly(m)
	odd := encodedObject(m.st.dbs[0].get([]byte("odd")))
	for what, words := range costly() {
		var v resp.Value
		if n := taken(func() { v = m.big(words...) }); v.Str != errWork.Str || n > 300<<20 { // what has written is run twice
			t.Errorf("%s: %d MB, %.80v", what, n>>20, v)
		}
	}
	bomb := sealedDump([]byte("\x00" + lzfString(maxString+1)))
	if v := m.big("RESTORE", "to", "0", bomb); v.Str != errDumpLarge.Str {
		t.Errorf("a string that is too long: %.80v", v)
	}
	for what, words := range replying() {
		if v := m.big(words...); v.Str != errReply.Str {
			t.Errorf("%s: %.80v", what, v.Str)
		}
	}
	if m.st.dbs[0].get([]byte("to")) != nil || encodedObject(m.st.dbs[0].get([]byte("odd"))) != odd {
		t.Error("a command that was ended had an effect")
	}
	if testing.Short() {
		return
	}
	old := newMachine(t)
	old.st = NewState()
	fillCostly(old)
	for what, words := range costly() {
		old.big("DEL", "to")
		if v := old.big(words...); v.IsError() {
			t.Errorf("%s, at level 0: %v", what, v)
		}
	}
}

// What a script does again and again is charged for as often.
func TestStringCommandsAddUp(t *testing.T) {
	t.Parallel()
	m := newMachine(t)
	fillCostly(m)
	m.big("RPUSH", "l", "g")
	a, b := strings.Repeat("ab", 2048), strings.Repeat("ba", 2048)
	m.big("MSET", "a", a, "b", b, "f", strings.Repeat("1", 5000))
	for most, commands := range map[int][][]string{
		10: {
			{"BITCOUNT", "big"}, {"BITPOS", "big", "1"}, {"GET", "big"}, {"DUMP", "big"}, {"SORT", "l", "BY", "nosort", "GET", "bi*"},
			{"GETRANGE", "big", "1", "-2"}, {"BITOP", "NOT", "to", "big"},
			{"SET", "to", m.big("GET", "big").Str}, {"SETBIT", "new", "500000000", "1"},
		},
		20:     {{"LCS", "a", "b"}, {"LCS", "a", "b", "IDX"}, {"LCS", "b", "a", "LEN"}},
		5000:   {{"INCRBYFLOAT", "f", "1"}, {"PFCOUNT", "hll", "hll"}, {"PFADD", "odd", "a"}},
		200000: {{"SETRANGE", "wide", "77777", "x"}, {"APPEND", "wide", "x"}},
	} {
		for _, words := range commands {
			c, args := Lookup(words[0]), bulks(words...)
			tx := &Tx{st: m.st, now: 1, write: true, chance: newChance(1), meter: cost.New(cost.Limit)}
			n := 0
			for tx.run(c, args, nil).Str != errWork.Str && n <= most {
				if n++; words[1] == "new" {
					m.st.dbs[0].drop(m.st, "new", m.st.dbs[0].get([]byte("new")))
				}
			}
			m.st.settle()
			if n > most {
				t.Errorf("%.60q may run more than %d times", words, most)
			}
		}
	}
}
