package server

import (
	"fmt"
	"maps"
	"slices"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

const (
	ofPubSub    = fsm.Local | fsm.PubSub | fsm.Loading | fsm.Stale
	ofSubscribe = ofPubSub | fsm.NoScript | fsm.Subscriber
)

var pubsubCommands = []local{
	{spec("SUBSCRIBE", -2, ofSubscribe, "pubsub", "Listen to channels.", "2.0.0"), "channel [channel ...]", nil, subscribe(ofChannel, "subscribe")},
	{spec("PSUBSCRIBE", -2, ofSubscribe, "pubsub", "Listen to the channels that match patterns.", "2.0.0"), "pattern [pattern ...]", nil, subscribe(ofPattern, "psubscribe")},
	{shardSpec("SSUBSCRIBE", -2, "Listen to shard channels."), "shardchannel [shardchannel ...]", nil, subscribe(ofShard, "ssubscribe")},
	{spec("UNSUBSCRIBE", -1, ofSubscribe, "pubsub", "Stop listening to channels, or to all.", "2.0.0"), "[channel [channel ...]]", nil, unsubscribe(ofChannel, "unsubscribe")},
	{spec("PUNSUBSCRIBE", -1, ofSubscribe, "pubsub", "Stop listening to patterns, or to all.", "2.0.0"), "[pattern [pattern ...]]", nil, unsubscribe(ofPattern, "punsubscribe")},
	{shardSpec("SUNSUBSCRIBE", -1, "Stop listening to shard channels, or to all."), "[shardchannel [shardchannel ...]]", nil, unsubscribe(ofShard, "sunsubscribe")},
	{spec("PUBSUB", -2, fsm.Local|fsm.Container, "pubsub", "Commands about channels.", "2.8.0"), "", nil, nil},
	{spec("PUBSUB|CHANNELS", -2, ofPubSub, "pubsub", "List the channels with subscribers on this node.", "2.8.0"), "[pattern]", nil, listChannels(ofChannel)},
	{spec("PUBSUB|HELP", 2, forHelp, "pubsub", "Show the subcommands.", "6.2.0"), "", nil, helpOf("PUBSUB")},
	{spec("PUBSUB|NUMPAT", 2, ofPubSub, "pubsub", "Count the patterns with subscribers on this node.", "2.8.0"), "", nil, numPat},
	{spec("PUBSUB|NUMSUB", -2, ofPubSub, "pubsub", "Count the subscribers of channels on this node.", "2.8.0"), "[channel [channel ...]]", nil, numSub(ofChannel)},
	{spec("PUBSUB|SHARDCHANNELS", -2, ofPubSub, "pubsub", "List the shard channels with subscribers on this node.", "7.0.0"), "[pattern]", nil, listChannels(ofShard)},
	{spec("PUBSUB|SHARDNUMSUB", -2, ofPubSub, "pubsub", "Count the subscribers of shard channels on this node.", "7.0.0"), "[shardchannel [shardchannel ...]]", nil, numSub(ofShard)},
}

func shardSpec(name string, arity int, summary string) fsm.Spec {
	s := spec(name, arity, ofSubscribe, "pubsub", summary, "7.0.0")
	s.Keys = fsm.Keys{First: 1, Last: -1, Step: 1}
	return s
}

// noReply is what a Local row returns that has replied by itself.
var noReply = resp.Value{Kind: 0xff}

// subscriptions are what a session listens to, by topic.
type subscriptions struct {
	names [topics]map[string]bool
	bytes int // about what the names take
}

// counted returns the number that a confirmation shows: shard channels count
// for themselves.
func (subs *subscriptions) counted(t topic) int64 {
	if t == ofShard {
		return int64(len(subs.names[ofShard]))
	}
	return int64(len(subs.names[ofChannel]) + len(subs.names[ofPattern]))
}

func (subs *subscriptions) any() bool {
	return subs.counted(ofChannel)+subs.counted(ofShard) > 0
}

// listens reports whether the connection may only change what it listens to:
// RESP2 cannot tell a message from a reply.
func (s *session) listens() bool { return s.who.dialect != resp.RESP3 && s.subs.any() }

// receivers is the answer to a PUBLISH, or to SPUBLISH.
func (s *session) receivers(r *row, args [][]byte) int64 {
	return s.srv.hub.receivers(len(r.Spec.Keys.Of(len(args))) > 0, string(args[1]))
}

// confirm tells the client of a subscription that began or ended.
func (s *session) confirm(kind string, name resp.Value, t topic) resp.Value {
	return resp.Value{Kind: resp.Push, Elems: []resp.Value{resp.Str(kind), name, resp.Int(s.subs.counted(t))}}
}

func subscribe(t topic, kind string) func(*session, [][]byte) resp.Value {
	return func(s *session, args [][]byte) resp.Value {
		s.takePushes()
		if s.subs.names[t] == nil {
			s.subs.names[t] = map[string]bool{}
		}
		for _, arg := range args[1:] {
			name := string(arg)
			if !s.subs.names[t][name] {
				s.subs.bytes += len(name) + 4*wordBytes
			}
			s.subs.names[t][name] = true
			s.say(s.confirm(kind, resp.Str(name), t))
			s.srv.hub.add(t, name, s) // messages come after the confirmation
		}
		return noReply
	}
}

func unsubscribe(t topic, kind string) func(*session, [][]byte) resp.Value {
	return func(s *session, args [][]byte) resp.Value {
		var names []string
		for _, arg := range args[1:] {
			names = append(names, string(arg))
		}
		if len(names) == 0 {
			names = slices.Sorted(maps.Keys(s.subs.names[t]))
		}
		if len(names) == 0 {
			return s.confirm(kind, resp.Nil, t)
		}
		for _, name := range names {
			s.srv.hub.remove(t, name, s)
			if s.subs.names[t][name] {
				s.subs.bytes -= len(name) + 4*wordBytes
			}
			delete(s.subs.names[t], name)
			s.say(s.confirm(kind, resp.Str(name), t))
		}
		return noReply
	}
}

// say is reply for commands with several replies.
func (s *session) say(v resp.Value) {
	if err := s.reply(v); err != nil {
		s.fault = err
	}
}

// leaveChannels ends all subscriptions.
func (s *session) leaveChannels() {
	for t := range s.subs.names {
		for name := range s.subs.names[t] {
			s.srv.hub.remove(topic(t), name, s)
		}
	}
	s.subs = subscriptions{}
}

// push gives the client a message, from any goroutine. A client that does not
// read its messages is given up.
func (s *session) push(v resp.Value) {
	s.who.mu.Lock()
	dialect := s.who.dialect
	s.who.mu.Unlock()
	n := s.out.append(v, dialect)
	if most := s.srv.limits.messages.Load(); most > 0 && int64(n) > most {
		s.end(endedByReplies)
		return
	}
	select {
	case s.out.pushed <- struct{}{}:
	default:
	}
}

func listChannels(t topic) func(*session, [][]byte) resp.Value {
	return func(s *session, args [][]byte) resp.Value {
		pattern := ""
		switch {
		case len(args) > 3:
			return errSubcommandSyntax(args)
		case len(args) == 3:
			pattern = string(args[2])
		}
		return resp.Strs(s.srv.hub.list(t, pattern)...)
	}
}

func numPat(s *session, _ [][]byte) resp.Value {
	return resp.Int(int64(len(s.srv.hub.list(ofPattern, ""))))
}

func numSub(t topic) func(*session, [][]byte) resp.Value {
	return func(s *session, args [][]byte) resp.Value {
		counts := resp.List()
		for _, name := range args[2:] {
			counts.Elems = append(counts.Elems, resp.Str(string(name)), resp.Int(s.srv.hub.count(t, string(name))))
		}
		return counts
	}
}

func errSubcommandSyntax(args [][]byte) resp.Value {
	return resp.Err(fmt.Sprintf("ERR unknown subcommand or wrong number of arguments for '%s'. Try %s HELP.",
		shown(args[1], maxShown), upperText(args[0])))
}

func upperText(b []byte) string {
	var buf [maxName]byte
	return string(upper(&buf, b))
}
