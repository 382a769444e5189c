package fsm

import (
	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

var pubsubCommands = []Command{
	{Spec{"PUBLISH", 3, Logged | PubSub | Loading | Stale | Fast, Keys{}, "pubsub", "Send a message to a channel's subscribers on all nodes; answers their number on this node, or 0 to a script.", "2.0.0"}, publish},
	{Spec{"SPUBLISH", 3, Logged | PubSub | Loading | Stale | Fast, Keys{1, 1, 1}, "pubsub", "Send a message to a shard channel's subscribers on all nodes; answers their number on this node, or 0 to a script.", "7.0.0"}, publish},
}

// A Message was published by an entry. It is not part of the state: each node
// gives it to its own subscribers, in the order of the log.
type Message struct {
	Shard   bool // by SPUBLISH
	Channel string
	Text    string
}

// TakeMessages returns what was published since the last call.
func (s *State) TakeMessages() []Message {
	m := s.messages
	s.messages = nil
	return m
}

// publish answers 0: which node's subscribers count is for that node to say. A
// script, whose answer must be the same on all nodes, is left with that. Scripts
// that only read cannot publish, since no other node would hear of it.
func publish(tx *Tx, args [][]byte) resp.Value {
	tx.charge(cost.Lookup + cost.Made(len(args[1])+len(args[2])))
	if tx.write {
		tx.st.messages = append(tx.st.messages, Message{args[0][0] == 'S', string(args[1]), string(args[2])})
	}
	return resp.Int(0)
}
