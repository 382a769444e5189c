package fsm

import "testing"

// A key that came and went is not the absence that was watched, on no node.
func TestWatchAbsence(t *testing.T) {
	for name, words := range map[string][][]string{
		"deleted":  {{"SET", "k", "v"}, {"DEL", "k"}},
		"expired":  {{"SET", "k", "v", "PX", "5"}},
		"popped":   {{"RPUSH", "k", "v"}, {"LPOP", "k"}},
		"renamed":  {{"SET", "k", "v"}, {"RENAME", "k", "other"}},
		"moved":    {{"SET", "k", "v"}, {"MOVE", "k", "3"}},
		"flushed":  {{"SET", "k", "v"}, {"FLUSHDB"}},
		"flushed2": {{"SET", "k", "v"}, {"FLUSHALL"}},
	} {
		t.Run(name, func(t *testing.T) {
			m := newMachine(t)
			m.do(0, "SET", "k", "v")
			m.do(0, "DEL", "k")
			before := m.revision(0, "k")
			if !m.watches(0, "k", before) {
				t.Fatal("nothing has changed yet")
			}
			for _, w := range words {
				m.st.Freeze()
				m.do(0, w...)
			}
			m.do(10, "SET", "l", "v") // what is due goes
			if m.do(10, "EXISTS", "k").Int != 0 {
				t.Fatal("the key is there")
			}
			if m.watches(0, "k", before) {
				t.Error("not noticed")
			}
			m.st = restored(t, m.st)
			if m.watches(0, "k", before) {
				t.Error("not noticed after a restart")
			}
		})
	}
}

// A key whose time has passed is absent for those who watch it, also before the
// entry that removes it.
func TestWatchExpired(t *testing.T) {
	m := newMachine(t)
	m.do(0, "SET", "k", "v", "PX", "5")
	there := m.revision(0, "k")
	hidden := m.st.Read(Request{Command: Lookup("TX|REVISION"), Args: bulks("TX|REVISION", "k"), Now: 10}).Int
	if hidden == there {
		t.Fatalf("revision %d with and without the key", there)
	}
	m.do(10, "SET", "l", "v")
	if !m.watches(0, "k", hidden) || m.watches(0, "k", there) {
		t.Errorf("revision %d, %d hidden, %d gone", there, hidden, m.revision(0, "k"))
	}
}

// What is remembered of keys that went is bounded; who watches for longer is told
// that the key may have come and gone. A restart makes no difference.
func TestGravesForget(t *testing.T) {
	m := newMachine(t)
	m.do(0, "SET", "l", "v")
	before := m.revision(0, "k")
	for range maxGraves / 1000 {
		g := &Group{}
		for i := range 1000 {
			key := "key " + itoa(int64(i))
			g.Add(Lookup("SET"), bulks("SET", key, "v"), nil)
			g.Add(Lookup("DEL"), bulks("DEL", key), nil)
		}
		m.seq++
		m.entry(0, Batch{Origin: testOrigin, Seq: m.seq, Body: g.Append(nil, 0)})
	}
	if !m.watches(0, "k", before) {
		t.Error("other keys went")
	}
	old := m.revision(0, "key 7") - 1
	for range 2 {
		for i := range 999 {
			m.do(0, "SET", "again "+itoa(int64(i)), "v")
			m.do(0, "DEL", "again "+itoa(int64(i)))
		}
		if m.watches(0, "k", before) || !m.watches(0, "k", m.revision(0, "k")) {
			t.Error("it is remembered too long, or not at all")
		}
		if m.watches(0, "again 998", old) {
			t.Error("a key came and went unnoticed")
		}
		m.st = restored(t, m.st)
		if len(m.st.graves.all) > maxGraves || len(m.st.graves.last) > maxGraves {
			t.Errorf("%d are remembered, %d keys", len(m.st.graves.all), len(m.st.graves.last))
		}
	}
}
