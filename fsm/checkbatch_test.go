package fsm

import (
	"errors"
	"slices"
	"testing"

	"github.com/trivetdb/trivet/resp"
)

// What CheckBody lets pass, no state stops at; what a node can send, it lets pass.
func TestCheckBody(t *testing.T) {
	g := newGenerator(t)
	nested := string(resp.List(resp.List(resp.Int(1))).Append(nil, resp.Canonical))
	for name, body := range map[string]string{
		"ff":               "\xff",
		"no count":         "\x00",
		"a database":       "\x10\x01\x01\x08PING",
		"a count":          "\x00\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
		"no name":          "\x00\x01\x00",
		"unknown":          "\x00\x01\x01\x06NEW",
		"local":            "\x00\x01\x01\x08PING",
		"too few":          "\x00\x01\x01\x06SET",
		"cut off":          "\x00\x01\x03\x06SET\x02k\x04v",
		"an argument":      "\x00\x01\x03\x06SET\xfe\xff\xff\xff\xff\xff\xff\xff\x7fk",
		"a bad value":      "\x00\x01\x03\x16CLASSIC|SET\x02k\x03x",
		"two values":       "\x00\x01\x03\x16CLASSIC|SET\x02k" + string([]byte{byte(2*2*len(nested) | 1)}) + nested + nested,
		"a second of ours": "\x00\x01\x03\x06SET\x02k\x02v\xff",
	} {
		if err := CheckBody([]byte(body), NewestLevel); !errors.Is(err, ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	atomic := (&Group{Atomic: true}).Append(nil, 3)
	if err := CheckBody(atomic, 0); !errors.Is(err, ErrInvalid) {
		t.Errorf("an atomic group at level 0: %v", err)
	}
	if err := CheckBody(atomic, LevelBounds); err != nil {
		t.Errorf("an atomic group at its level: %v", err)
	}
	n := 20_000
	if testing.Short() {
		n = 2000
	}
	m := newMachine(t)
	m.check = false
	for i := range n {
		c := g.row(Read | Write | Logged)
		args, typed := g.args(c)
		body := groupOf(c, args, typed).Append(nil, g.IntN(Databases))
		if err := CheckBody(body, NewestLevel); err != nil {
			t.Fatalf("%q: %v", args, err)
		}
		// A body with a fault somewhere is refused, or stops no state.
		for range 1 + g.IntN(3) {
			switch at := g.IntN(len(body)); g.IntN(3) {
			case 0:
				body[at] ^= 1 << g.IntN(8)
			case 1:
				body = append(body[:at:at], body[at+1:]...)
			default:
				body = append(body[:at:at], append([]byte{byte(g.IntN(256))}, body[at:]...)...)
			}
			if len(body) == 0 {
				break
			}
		}
		names := Names(body)
		if CheckBody(body, NewestLevel) != nil || slices.Contains(names, "TX|LEVEL") {
			continue
		}
		m.seq++
		m.index++
		if _, err := m.st.Apply(m.index, Entry{Time: int64(i), Batches: []Batch{{testOrigin, m.seq, body}}}); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		m.st.TakePanics()
	}
}
