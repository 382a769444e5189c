package fsm

import (
	"fmt"
	"strings"

	"github.com/trivetdb/trivet/fsm/cost"
)

// Keyspace notifications tell subscribers what became of a key. Each node makes
// them as it applies an entry and gives them to its own subscribers, between
// the messages that were published. They are no part of the state; what they are
// about is the setting notify-keyspace-events.

// events are classes of notifications, and the two channels that they go to.
type events uint32

const (
	notifyGeneric events = 1 << iota
	notifyString
	notifyList
	notifySet
	notifyHash
	notifyZSet
	notifyExpired
	notifyEvicted // there are none
	notifyStream
	notifyModule // nor are there any of modules
	notifyNew
	notifyMiss
	toKeyspace
	toKeyevent

	notifyAll = notifyModule<<1 - 1
)

// eventFlags are the characters that stand for events, in the order in which
// they are shown.
var eventFlags = []struct {
	flag   events
	letter byte
}{
	{notifyGeneric, 'g'}, {notifyString, '$'}, {notifyList, 'l'}, {notifySet, 's'},
	{notifyHash, 'h'}, {notifyZSet, 'z'}, {notifyExpired, 'x'}, {notifyEvicted, 'e'},
	{notifyStream, 't'}, {notifyModule, 'd'},
	{toKeyspace, 'K'}, {toKeyevent, 'E'}, {notifyMiss, 'm'}, {notifyNew, 'n'},
}

// parseEvents reads flags. Without a channel to go to they mean nothing.
func parseEvents(text string) (events, bool) {
	flags, ok := eventsOf(text)
	if flags&(toKeyspace|toKeyevent) == 0 {
		flags = 0
	}
	return flags, ok
}

func eventsOf(text string) (flags events, ok bool) {
next:
	for i := range len(text) {
		if text[i] == 'A' {
			flags |= notifyAll
			continue
		}
		for _, f := range eventFlags {
			if f.letter == text[i] {
				flags |= f.flag
				continue next
			}
		}
		return 0, false
	}
	return flags, true
}

// parseEventText returns flags in the one form that Redis shows.
func parseEventText(text string) (string, error) {
	flags, ok := eventsOf(text)
	if !ok {
		return "", settingError("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.")
	}
	var shown strings.Builder
	if flags&notifyAll == notifyAll {
		shown.WriteByte('A')
		flags &^= notifyAll
	}
	for _, f := range eventFlags {
		if flags&f.flag != 0 {
			shown.WriteByte(f.letter)
		}
	}
	return shown.String(), nil
}

// notify tells of an event at a key.
func (tx *Tx) notify(class events, event string, key []byte) {
	if flags := tx.st.settings.notify; flags&class != 0 {
		tx.tell(flags, event, string(key))
	}
}

// tell is the part of notify that most settings do not reach.
func (tx *Tx) tell(flags events, event, key string) {
	if told := tx.notices(); told != nil {
		tx.charge(cost.Lookup + cost.Made(2*len(key)))
		*told = append(*told, noticesOf(flags, tx.db, event, key)...)
	}
}

// notices returns where notifications go: with an entry's messages, or where a
// read says.
func (tx *Tx) notices() *[]Message {
	if tx.write {
		return &tx.st.messages
	}
	return tx.told
}

func noticesOf(flags events, db int, event, key string) []Message {
	var m []Message
	if flags&toKeyspace != 0 {
		m = append(m, Message{Channel: fmt.Sprintf("__keyspace@%d__:%s", db, key), Text: event})
	}
	if flags&toKeyevent != 0 {
		m = append(m, Message{Channel: fmt.Sprintf("__keyevent@%d__:%s", db, event), Text: key})
	}
	return m
}

// notifyExpired tells of a key that was removed because it was due.
func (s *State) notifyExpired(db int, key string) {
	if flags := s.settings.notify; flags&notifyExpired != 0 {
		s.messages = append(s.messages, noticesOf(flags, db, "expired", key)...)
	}
}

// notifyDeleted tells of a key that a command has deleted.
func (tx *Tx) notifyDeleted(key []byte) { tx.notify(notifyGeneric, "del", key) }

// miss tells of a key that was asked for and not found. Redis tells so of keys
// that a command only reads.
func (tx *Tx) miss(key []byte) { tx.notify(notifyMiss, "keymiss", key) }

// missing is miss for some of the keys that a write also reads. For a read get
// has done it.
func (tx *Tx) missing(keys ...[]byte) {
	if tx.reads || tx.st.settings.notify&notifyMiss == 0 {
		return
	}
	for _, key := range keys {
		if tx.peek(key) == nil {
			tx.miss(key)
		}
	}
}
