package fsm

import (
	"strings"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

var xgroupCommands = []Command{
	{Spec{"XGROUP", -2, Local | Container, Keys{}, "stream", "Commands about consumer groups.", "5.0.0"}, noSubcommand},
	{Spec{"XGROUP|CREATE", -5, Write | DenyOOM, Keys{2, 2, 1}, "stream", "Make a consumer group.", "5.0.0"}, xgroupCreate},
	{Spec{"XGROUP|SETID", -5, Write, Keys{2, 2, 1}, "stream", "Set the ID up to which a group was given entries.", "5.0.0"}, xgroupSetID},
	{Spec{"XGROUP|DESTROY", 4, Write, Keys{2, 2, 1}, "stream", "Remove a consumer group.", "5.0.0"}, xgroupDestroy},
	{Spec{"XGROUP|CREATECONSUMER", 5, Write | DenyOOM, Keys{2, 2, 1}, "stream", "Make a consumer of a group.", "6.2.0"}, xgroupCreateConsumer},
	{Spec{"XGROUP|DELCONSUMER", 5, Write, Keys{2, 2, 1}, "stream", "Remove a consumer, and with it what it has pending.", "5.0.0"}, xgroupDelConsumer},
	{Spec{"XGROUP|HELP", 2, Read | Loading | Stale, Keys{}, "stream", "Describe the subcommands.", "5.0.0"}, help(xgroupHelpText)},
}

// About consumer groups.
var (
	errGroupNoKey = resp.Err("ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.")
	errGroupRead  = resp.Err("ERR value for ENTRIESREAD must be positive or -1")
	errGroupBusy  = resp.Err("BUSYGROUP Consumer Group name already exists")
)

// errSubcommandArgs says that what follows a subcommand, as it was written, is
// wrong.
func errSubcommandArgs(container string, name []byte) resp.Value {
	return resp.Err("ERR unknown subcommand or wrong number of arguments for '" + string(name) + "'. Try " + container + " HELP.")
}

func errNoGroupOf(key, group []byte) resp.Value {
	return resp.Err("NOGROUP No such consumer group '" + string(group) + "' for key name '" + string(key) + "'")
}

// xgroupOptions are what XGROUP CREATE and SETID take after the ID.
type xgroupOptions struct {
	mkStream bool
	read     int64
}

func parseXGroup(args [][]byte, create bool) (opt xgroupOptions, fail resp.Value) {
	opt.read = unknownRead
	for rest := args[5:]; len(rest) > 0; {
		switch {
		case create && equalFold(rest[0], "MKSTREAM"):
			opt.mkStream = true
			rest = rest[1:]
		case len(rest) > 1 && equalFold(rest[0], "ENTRIESREAD"):
			n, ok := parseInt(rest[1])
			switch {
			case !ok:
				return opt, errNotInteger
			case n < unknownRead:
				return opt, errGroupRead
			}
			opt.read = n
			rest = rest[2:]
		default:
			return opt, errSubcommandArgs("XGROUP", args[1])
		}
	}
	return opt, resp.Nil
}

// startOf reads the ID up to which a group is to have been given entries.
func startOf(s *stream, arg []byte, parse func([]byte) (streamID, resp.Value)) (streamID, resp.Value) {
	switch {
	case string(arg) != "$":
		return parse(arg)
	case s != nil:
		return s.last, resp.Nil
	}
	return streamID{}, resp.Nil
}

func strictID(arg []byte) (streamID, resp.Value) {
	id, ok := parseStreamID(arg, 0)
	if !ok {
		return id, errStreamID
	}
	return id, resp.Nil
}

// looseID reads - and +, too.
func looseID(arg []byte) (streamID, resp.Value) {
	switch string(arg) {
	case "-":
		return streamID{}, resp.Nil
	case "+":
		return maxStreamID, resp.Nil
	}
	return strictID(arg)
}

func xgroupCreate(tx *Tx, args [][]byte) resp.Value {
	opt, fail := parseXGroup(args, true)
	if fail.IsError() {
		return fail
	}
	tx.charge(consumerLook + cost.Made(len(args[3])))
	s, ok, fail := tx.stream(args[2])
	switch {
	case fail.IsError():
		return fail
	case !ok && !opt.mkStream:
		return errGroupNoKey
	case len(args) > 8:
		return errSubcommandArgs("XGROUP", args[1])
	}
	id, fail := startOf(s, args[4], strictID)
	switch {
	case fail.IsError():
		return fail
	case ok && s.group(args[3]) != nil:
		return errGroupBusy
	}
	s, _ = change[*stream](tx, args[2], kindStream)
	s.putGroup(label(args[3]), streamGroup{last: id, read: opt.read})
	tx.notify(notifyStream, "xgroup-create", args[2])
	return resp.OK
}

// groupAt finds a stream and one of its groups, both of which must be there.
func (tx *Tx) groupAt(key, group []byte) (s *stream, g *streamGroup, fail resp.Value) {
	tx.charge(consumerLook + cost.Read(len(group)))
	s, ok, fail := tx.stream(key)
	switch {
	case fail.IsError():
		return nil, nil, fail
	case !ok:
		return nil, nil, errGroupNoKey
	}
	if g = s.group(group); g == nil {
		return nil, nil, errNoGroupOf(key, group)
	}
	return s, g, resp.Nil
}

func xgroupSetID(tx *Tx, args [][]byte) resp.Value {
	opt, fail := parseXGroup(args, false)
	if fail.IsError() {
		return fail
	}
	s, _, fail := tx.groupAt(args[2], args[3])
	switch {
	case fail.IsError():
		return fail
	case len(args) > 7:
		return errSubcommandArgs("XGROUP", args[1])
	}
	id, fail := startOf(s, args[4], looseID)
	if fail.IsError() {
		return fail
	}
	s, _ = change[*stream](tx, args[2], kindStream)
	g := s.groups.edit(label(args[3]), s.epoch)
	g.last, g.read = id, opt.read
	tx.notify(notifyStream, "xgroup-setid", args[2])
	return resp.OK
}

func xgroupDestroy(tx *Tx, args [][]byte) resp.Value {
	tx.charge(consumerLook + cost.Made(len(args[3])))
	s, ok, fail := tx.stream(args[2])
	switch {
	case fail.IsError():
		return fail
	case !ok:
		return errGroupNoKey
	case s.group(args[3]) == nil:
		return resp.Int(0)
	}
	s, _ = change[*stream](tx, args[2], kindStream)
	s.dropGroup(label(args[3]))
	tx.notify(notifyStream, "xgroup-destroy", args[2])
	return resp.Int(1)
}

func xgroupCreateConsumer(tx *Tx, args [][]byte) resp.Value {
	_, g, fail := tx.groupAt(args[2], args[3])
	switch {
	case fail.IsError():
		return fail
	case g.consumers.get(label(args[4])) != nil:
		return resp.Int(0)
	}
	tx.charge(cost.Insert + cost.Made(len(args[4])))
	s, g := tx.editGroup(args[2], args[3])
	g.consumer(s, label(args[4]), tx.now)
	tx.notify(notifyStream, "xgroup-createconsumer", args[2])
	return resp.Int(1)
}

func xgroupDelConsumer(tx *Tx, args [][]byte) resp.Value {
	_, g, fail := tx.groupAt(args[2], args[3])
	switch {
	case fail.IsError():
		return fail
	case g.consumers.get(label(args[4])) == nil:
		return resp.Int(0)
	}
	n := g.consumers.get(label(args[4])).pending.n
	tx.charge(cost.Times(n, cost.Insert) + cost.Made(len(args[4])))
	s, g := tx.editGroup(args[2], args[3])
	tx.notify(notifyStream, "xgroup-delconsumer", args[2])
	return resp.Int(int64(g.dismiss(s, label(args[4]))))
}

const xgroupHelpText = `XGROUP <subcommand> <key> <group> [<argument> ...]. Subcommands are:
CREATE <id|$> [MKSTREAM] [ENTRIESREAD <count>]: make a group; it has got the entries up to the ID.
SETID <id|$> [ENTRIESREAD <count>]: set the ID up to which the group has got entries.
DESTROY: remove the group.
CREATECONSUMER <consumer>: make a consumer.
DELCONSUMER <consumer>: remove a consumer, and what it has pending.
HELP: this text.`

// help returns the code of a HELP row.
func help(text string) func(*Tx, [][]byte) resp.Value {
	return func(*Tx, [][]byte) resp.Value {
		reply := resp.List()
		for line := range strings.SplitSeq(text, "\n") {
			reply.Elems = append(reply.Elems, resp.Status(line))
		}
		return reply
	}
}
