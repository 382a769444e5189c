package fsm

import (
	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// waitForEntries returns what XREAD or XREADGROUP waits for. An ID that is none
// is one that nothing is past: the first attempt has failed for it.
func waitForEntries(args [][]byte) (w Wait, fail resp.Value) {
	opt, fail := parseXRead(args)
	if fail.IsError() {
		return w, fail
	}
	w = Wait{Keys: opt.keys, Kind: WaitStream, Timeout: max(0, opt.block)}
	if opt.ofGroup {
		w.Kind, w.Group, w.Count = WaitGroup, string(opt.group), max(0, opt.count)
		return w, resp.Nil
	}
	for _, arg := range opt.ids {
		id, ok := parseStreamID(arg, 0)
		if !ok {
			id = maxStreamID
		}
		w.after = append(w.after, id)
	}
	return w, resp.Nil
}

// LastIDs returns the positions of the keys of an XREAD whose ID is $, and of
// these IDs. A client that waits for what comes past the last ID means the one
// there was when it began to wait.
func LastIDs(args [][]byte) (keys, ids []int) {
	opt, fail := parseXRead(args)
	if fail.IsError() || opt.ofGroup {
		return nil, nil
	}
	first := len(args) - len(opt.ids)
	for i, id := range opt.ids {
		if string(id) == "$" {
			keys, ids = append(keys, first-len(opt.keys)+i), append(ids, first+i)
		}
	}
	return keys, ids
}

// Arrived reports whether key i of a WaitStream has what is waited for.
func (s *State) Arrived(db int, w *Wait, i int, now int64) bool {
	tx := Tx{st: s, db: db, now: max(s.now, now), meter: cost.Unlimited()}
	st, ok, _ := tx.stream(w.Keys[i])
	return ok && st.n > 0 && w.after[i].less(st.edge(true).id)
}

// Unread returns how many entries, up to a limit, a consumer group has not got. It
// is not ok where there is no such group: whoever waits for it is to hear of that.
func (s *State) Unread(db int, key, group string, now int64, limit int) (n int, ok bool) {
	tx := Tx{st: s, db: db, now: max(s.now, now), meter: cost.Unlimited()}
	st, ok, _ := tx.stream([]byte(key))
	if !ok {
		return 0, false
	}
	g := st.groups.get(label(group))
	if g == nil {
		return 0, false
	}
	if from, more := g.last.next(); more {
		st.each(from, maxStreamID, false, func(*streamEntry) bool {
			n++
			return n < limit
		})
	}
	return n, true
}
