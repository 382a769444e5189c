package fsm

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"runtime"
	"testing"
	"testing/iotest"
)

// sampleState encodes a state with something of everything.
func sampleState(t testing.TB) []byte {
	m := newMachine(t)
	m.do(1000, "MSET", "a", "1", "b", "text")
	m.do(1000, "SET", "c", "v", "PX", "100")
	m.write(1000, 15, Lookup("CLASSIC|MSET"), bulks("", "n", ":5\r\n", "d", "%1\r\n$1\r\na\r\n_\r\n"),
		[]bool{false, false, true, false, true})
	m.do(1000, "XADD", "s", "5-1", "f", "v")
	m.do(1000, "XADD", "s", "6", "f", "v")
	m.do(1000, "XGROUP|CREATE", "", "s", "g", "0")
	m.do(1000, "XGROUP|CREATE", "", "s", "h", "5")
	m.do(1000, "XREADGROUP", "GROUP", "g", "alice", "COUNT", "1", "STREAMS", "s", ">")
	m.do(1000, "XREADGROUP", "GROUP", "g", "bob", "STREAMS", "s", ">")
	m.entry(1000, incrBatch(Origin{ID: 9, Life: 3}, 4))
	return encoded(t, m.st)
}

// sealed returns data with the checksum that fits it.
func sealed(data []byte) []byte {
	if len(data) < 4 {
		return data
	}
	data = bytes.Clone(data)
	body := data[:len(data)-4]
	binary.LittleEndian.PutUint32(data[len(body):], crc32.Checksum(body, castagnoli))
	return data
}

func TestDecodeSeesDamage(t *testing.T) {
	data := sampleState(t)
	for n := range data {
		if _, err := Decode(bytes.NewReader(data[:n])); !errors.Is(err, ErrDamaged) {
			t.Fatalf("the first %d bytes: got %v", n, err)
		}
	}
	for at := range data {
		damaged := bytes.Clone(data)
		damaged[at] ^= 1 << (at % 8)
		if _, err := Decode(bytes.NewReader(damaged)); err == nil {
			t.Fatalf("byte %d is not noticed", at)
		}
	}
}

func TestDecodeErrors(t *testing.T) {
	data := sampleState(t)
	newer := bytes.Clone(data)
	newer[len(stateMagic)]++
	if _, err := Decode(bytes.NewReader(newer)); !errors.Is(err, ErrNewer) {
		t.Errorf("a newer format: got %v", err)
	}
	broken := errors.New("disk on fire")
	r := io.MultiReader(bytes.NewReader(data[:40]), iotest.ErrReader(broken))
	if _, err := Decode(r); !errors.Is(err, broken) {
		t.Errorf("got %v, want what the reader said", err)
	}
	if _, err := Decode(iotest.OneByteReader(bytes.NewReader(data))); err != nil {
		t.Errorf("byte by byte: %v", err)
	}
}

// head starts an encoding by hand: at index 5, time 7.
func head(rest ...byte) []byte {
	b := append([]byte(stateMagic), stateFormat)
	b = binary.LittleEndian.AppendUint64(b, 5)
	b = binary.LittleEndian.AppendUint64(b, 7)
	return append(b, rest...)
}

func TestDecodeRefusesWhatWeNeverWrite(t *testing.T) {
	key := func(name byte, rev byte, expire ...byte) []byte {
		b := []byte{1, name, byte(kindString)}
		b = append(b, append(expire, make([]byte, 8-len(expire))...)...)
		return append(b, rev, 1, 'v')
	}
	join := func(parts ...[]byte) []byte { return head(bytes.Join(parts, nil)...) }
	origin := []byte{1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0}
	end := []byte{0, 0, 0, 0, 0}
	if _, err := Decode(bytes.NewReader(sealed(join([]byte{1}, origin, []byte{1, 1}, key('k', 5), end)))); err != nil {
		t.Fatalf("what is right is refused: %v", err)
	}
	past := []byte{0, 0, 0, 0, 0, 0, 0, 0x80}
	for name, data := range map[string][]byte{
		"key twice":       join([]byte{0, 1, 2}, key('k', 5), key('k', 5), end),
		"future revision": join([]byte{0, 1, 1}, key('k', 6), end),
		"deadline":        join([]byte{0, 1, 1}, key('k', 5, past...), end),
		"origin twice":    join([]byte{2}, origin, origin, end),
		"empty database":  join([]byte{0, 1, 0}, end),
		"database twice":  join([]byte{0, 1, 1}, key('k', 5), []byte{1, 1}, key('l', 5), end),
		"database 16":     join([]byte{0, 17, 1}, key('k', 5), end),
		"long number":     join([]byte{0x80, 0}, end),
		"huge number":     join(bytes.Repeat([]byte{0xff}, 10), end),
	} {
		if _, err := Decode(bytes.NewReader(sealed(data))); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	kind := join([]byte{0, 1, 1, 1, 'k', 200}, make([]byte, 9), end)
	if _, err := Decode(bytes.NewReader(sealed(kind))); !errors.Is(err, ErrNewer) {
		t.Errorf("an unknown kind: got %v", err)
	}
}

// Memory goes with the bytes that came, not with what they claim.
func TestClaimsCostNothing(t *testing.T) {
	huge := binary.AppendUvarint(nil, 1<<62)
	states := map[string][]byte{
		"origins":  head(huge...),
		"replies":  head(append(append([]byte{1}, make([]byte, 13)...), huge...)...),
		"keys":     head(append([]byte{0, 1}, huge...)...),
		"a key":    head(append([]byte{0, 1, 1}, huge...)...),
		"a string": head(append(append([]byte{0, 1, 1, 1, 'k', 0}, make([]byte, 9)...), huge...)...),
		"a value":  head(append(append([]byte{0, 1, 1, 1, 'k', 2}, make([]byte, 9)...), huge...)...),
	}
	var before, after runtime.MemStats
	for name, data := range states {
		runtime.ReadMemStats(&before)
		if _, err := Decode(bytes.NewReader(data)); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: got %v", name, err)
		}
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 {
			t.Errorf("%s: took %d bytes", name, used)
		}
	}
	entry := append([]byte{entryFormat, 0, 0, 0, 0}, make([]byte, 16)...)
	entry = append(entry, huge...)
	binary.LittleEndian.PutUint32(entry[1:], crc32.Checksum(entry[entryHeader:], castagnoli))
	if _, err := DecodeEntry(entry); !errors.Is(err, ErrDamaged) {
		t.Errorf("an entry: got %v", err)
	}
}

// An encoder whose writer fails says so.
func TestEncodeErrors(t *testing.T) {
	m := newMachine(t)
	m.do(0, "SET", "k", "v")
	r, w := io.Pipe()
	r.Close()
	if err := m.st.Freeze().Encode(w); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v", err)
	}
}
