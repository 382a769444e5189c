package fsm

import (
	"slices"
	"strings"
)

// A Flag says how a command may be used. The names and meanings are those of
// Redis's COMMAND reply, save for the last group, which is trivet's own.
type Flag uint64

// The flags.
const (
	Write           Flag = 1 << iota // may change the state
	Read                             // reads the state, never changes it
	Local                            // answered by the node from its own knowledge
	DenyOOM                          // may grow the data
	Admin                            // for operators
	PubSub                           // about channels
	NoScript                         // not from Lua
	Blocking                         // may wait for data
	Loading                          // allowed while the node has no usable state
	Stale                            // allowed while the node is cut off
	SkipMonitor                      // not shown by MONITOR
	SkipSlowlog                      // not kept by SLOWLOG
	Asking                           // implies ASKING
	Fast                             // never slower than O(log n)
	NoAuth                           // allowed before AUTH
	NoAsyncLoading                   // not during an asynchronous load
	NoMulti                          // not inside MULTI
	MovableKeys                      // key positions depend on arguments
	AllowBusy                        // allowed while a script runs
	NoMandatoryKeys                  // the keys are optional
	Protected                        // needs a configuration switch

	// Logged marks a command that goes through the log like a write, though it
	// changes no data.
	Logged
	// Container marks a row whose second argument names the real command;
	// that command's row is called "CONTAINER|SUBCOMMAND".
	Container
	// ClassicOnly marks a row that answers the article's way, and only on a
	// classic port. Its name is "CLASSIC|" and the name clients send.
	ClassicOnly
	// Typed marks a row whose arguments keep their classic types.
	Typed
	// Internal marks a row that only nodes send.
	Internal
	// Unqueued marks a command that MULTI does not queue.
	Unqueued
	// Subscriber marks a command that a RESP2 connection may use while it
	// listens to channels.
	Subscriber
	// Alias marks a second name of another row, unknown to Redis.
	Alias
	// CountAt1 and CountAt2 mark a row whose argument 1 or 2 says how many keys
	// follow it, besides those of Keys.
	CountAt1
	CountAt2
)

// flagNames are in the order in which Redis lists them.
var flagNames = []struct {
	flag Flag
	name string
}{
	{Write, "write"}, {Read, "readonly"}, {DenyOOM, "denyoom"}, {Admin, "admin"},
	{PubSub, "pubsub"}, {NoScript, "noscript"}, {Blocking, "blocking"},
	{Loading, "loading"}, {Stale, "stale"}, {SkipMonitor, "skip_monitor"},
	{SkipSlowlog, "skip_slowlog"}, {Asking, "asking"}, {Fast, "fast"},
	{NoAuth, "no_auth"}, {NoAsyncLoading, "no_async_loading"}, {NoMulti, "no_multi"},
	{MovableKeys, "movablekeys"}, {AllowBusy, "allow_busy"},
	{NoMandatoryKeys, "no_mandatory_keys"}, {Protected, "protected"},
}

// Names returns Redis's names of the flags that are set.
func (f Flag) Names() []string {
	var names []string
	for _, n := range flagNames {
		if f&n.flag != 0 {
			names = append(names, n.name)
		}
	}
	return names
}

// Keys says which arguments are keys: from First to Last in steps of Step. A
// negative Last counts from the end. The zero Keys means none.
type Keys struct{ First, Last, Step int }

// Of returns the positions of the keys among argc arguments, the command's
// name being argument 0.
func (k Keys) Of(argc int) []int {
	if k.First == 0 {
		return nil
	}
	last := k.Last
	if last < 0 {
		last += argc
	}
	var at []int
	for i := k.First; i <= last && i < argc; i += k.Step {
		at = append(at, i)
	}
	return at
}

// countAt returns which argument tells a number of keys, or 0.
func (s *Spec) countAt() int {
	switch {
	case s.Flags&CountAt1 != 0:
		return 1
	case s.Flags&CountAt2 != 0:
		return 2
	}
	return 0
}

// KeysOf returns the positions of the keys among args, the command's name being
// argument 0. A number of keys that cannot be right adds none.
func (s *Spec) KeysOf(args [][]byte) []int {
	keys := s.Keys.Of(len(args))
	switch movable := s.Flags&MovableKeys != 0; {
	case movable && s.Group == "stream":
		return keysAfterStreams(args)
	case movable && s.Group == "geo":
		return append(keys, keyAfterStore(args)...)
	case s.Name == "SORT":
		return sortKeys(args)
	}
	at := s.countAt()
	if at == 0 || at >= len(args) {
		return keys
	}
	if n, ok := parseInt(args[at]); ok && n <= int64(len(args)-at-1) {
		for i := range n {
			keys = append(keys, at+1+int(i))
		}
	}
	return keys
}

// A Spec says all that is known of a command besides its code.
type Spec struct {
	Name    string // upper case; a subcommand is "CONTAINER|SUBCOMMAND"
	Arity   int    // counts the name; negative means at least
	Flags   Flag
	Keys    Keys
	Group   string // source file and chapter of the documentation
	Summary string
	Since   string // the version of Redis that brought it
}

// ArityOK reports whether argc arguments, the name included, are right.
func (s *Spec) ArityOK(argc int) bool {
	return argc == s.Arity || s.Arity < 0 && argc >= -s.Arity
}

// FullName returns the name as Redis's error texts and statistics show it.
func (s *Spec) FullName() string {
	return strings.ToLower(strings.TrimPrefix(s.Name, classicPrefix))
}

const classicPrefix = "CLASSIC|"

// Categories returns the ACL categories, as Redis derives them from the flags
// and the group.
func (s *Spec) Categories() []string {
	var c []string
	add := func(ok bool, name string) {
		if ok {
			c = append(c, "@"+name)
		}
	}
	own := ownCategories[s.Name]
	add(s.Group == "generic" && s.Flags&Container == 0 && !slices.Contains(own, "@list") || s.Group == "server" && s.Flags&(Read|Write) != 0, "keyspace")
	add(s.Flags&Read != 0 && s.Group != "scripting", "read")
	add(s.Flags&Write != 0, "write")
	if g, ok := groupCategories[s.Group]; ok && s.Flags&Container == 0 {
		c = append(c, "@"+g)
	}
	add(s.Flags&PubSub != 0, "pubsub")
	add(s.Flags&Admin != 0, "admin")
	add(s.Flags&Fast != 0, "fast")
	add(s.Flags&Fast == 0, "slow")
	add(s.Flags&Blocking != 0, "blocking")
	add(s.Flags&Admin != 0 || s.Name == "KEYS" || strings.HasPrefix(s.Name, "FLUSH"), "dangerous")
	return append(c, own...)
}

// ownCategories are those of single commands that their flags do not tell.
var ownCategories = map[string][]string{
	"SORT":    {"@set", "@sortedset", "@list", "@dangerous"}, // and not @keyspace
	"SORT_RO": {"@set", "@sortedset", "@list", "@dangerous"},
	"RESTORE": {"@dangerous"},
	"SWAPDB":  {"@dangerous"},
}

var groupCategories = map[string]string{
	"string": "string", "list": "list", "hash": "hash", "set": "set",
	"sorted-set": "sortedset", "stream": "stream", "bitmap": "bitmap",
	"hyperloglog": "hyperloglog", "geo": "geo", "connection": "connection",
	"transactions": "transaction", "scripting": "scripting",
}
