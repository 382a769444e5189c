package lua

import (
	lua "github.com/yuin/gopher-lua"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// redisFunctions are the functions of the table redis.
var redisFunctions = map[string]function{
	"call":               func(c call) int { return c.invoke(true) },
	"pcall":              func(c call) int { return c.invoke(false) },
	"error_reply":        redisErrorReply,
	"status_reply":       redisStatusReply,
	"sha1hex":            redisSHA1,
	"log":                redisLog,
	"setresp":            redisSetResp,
	"set_repl":           redisSetRepl,
	"replicate_commands": func(c call) int { c.Push(lua.LTrue); return 1 },
	"breakpoint":         func(c call) int { c.Push(lua.LFalse); return 1 },
	"debug":              func(c call) int { return 0 },
	"acl_check_cmd":      redisCheck,
}

// The version of Redis whose behaviour scripts may rely on.
const (
	redisVersion       = "7.2.4"
	redisVersionNumber = 7<<16 | 2<<8 | 4
)

var redisConstants = map[string]lua.LValue{
	"LOG_DEBUG": lua.LNumber(0), "LOG_VERBOSE": lua.LNumber(1), "LOG_NOTICE": lua.LNumber(2), "LOG_WARNING": lua.LNumber(3),
	"REPL_NONE": lua.LNumber(0), "REPL_AOF": lua.LNumber(1), "REPL_SLAVE": lua.LNumber(2), "REPL_REPLICA": lua.LNumber(2), "REPL_ALL": lua.LNumber(3),
	"REDIS_VERSION": lua.LString(redisVersion), "REDIS_VERSION_NUM": lua.LNumber(redisVersionNumber),
}

const (
	errNoCommand = "ERR Please specify at least one argument for this redis lib call"
	errArguments = "ERR Lua redis lib command arguments must be strings or integers"
)

// arguments returns the arguments of a command. They are good until the next
// call.
func (c call) arguments() (args [][]byte, fault string) {
	r, n := c.run(), c.GetTop()
	if n == 0 {
		return nil, errNoCommand
	}
	// All arguments lie in one buffer, and are cut out once it grows no more.
	m := &r.command
	m.buf, m.args, m.ends = m.buf[:0], m.args[:0], m.ends[:0]
	c.payArguments()
	for i := 1; i <= n; i++ {
		var ok bool
		if m.buf, ok = argument(m.buf, c.Get(i)); !ok {
			return nil, errArguments
		}
		m.ends = append(m.ends, len(m.buf))
	}
	start := 0
	for _, end := range m.ends {
		m.args = append(m.args, m.buf[start:end:end])
		start = end
	}
	c.charge(callCost + n + len(m.buf)/bytesPerStep)
	return m.args, ""
}

// invoke is redis.call, which raises errors, and redis.pcall, which returns
// them.
func (c call) invoke(raise bool) int {
	r := c.run()
	args, fault := c.arguments()
	v := resp.Err(fault)
	if fault == "" {
		if v, fault = c.carryOut(args); fault != "" {
			c.raiseBare(fault)
		}
		if r.stop != nil {
			r.askStop()
		}
	}
	l := r.value(v)
	c.charge(0)
	if v.IsError() {
		l.(*lua.LTable).RawSetString("ignore_error_stats_update", lua.LTrue)
		if raise {
			c.Error(l, 0)
		}
	}
	c.Push(l)
	return 1
}

// carryOut has the host carry out a command. A fault ends the run.
func (c call) carryOut(args [][]byte) (v resp.Value, fault string) {
	r := c.run()
	if !r.strict() {
		v, _ = r.host.Call(args)
		return v, ""
	}
	r.give()
	v, ok := r.host.Call(args)
	r.take()
	if !ok {
		r.left = -1
		return v, errBudget.Error()
	}
	return v, ""
}

// payArguments counts the arguments of a command before they are copied.
func (c call) payArguments() {
	if !c.run().strict() {
		return
	}
	size := 0
	for i := 1; i <= c.GetTop(); i++ {
		if s, ok := c.Get(i).(lua.LString); ok {
			size += len(s) // each may be the same one: at most maxStack of them
		}
	}
	c.payMade(size)
}

// oneString returns the only argument of a function that makes a reply.
func (c call) oneString() (string, bool) {
	s, ok := c.Get(1).(lua.LString)
	if !ok || c.GetTop() != 1 {
		c.pay(strictTable + tableCost)
		c.Push(field("err", lua.LString("ERR wrong number or type of arguments")))
		return "", false
	}
	return string(s), true
}

func redisErrorReply(c call) int {
	if s, ok := c.oneString(); ok {
		c.pay(strictTable + tableCost)
		c.payMade(2 * len(s))
		c.Push(errorReply(s))
	}
	return 1
}

func redisStatusReply(c call) int {
	if s, ok := c.oneString(); ok {
		c.pay(strictTable + tableCost)
		c.Push(field("ok", lua.LString(s)))
	}
	return 1
}

func redisSHA1(c call) int {
	if c.GetTop() != 1 {
		c.redisError("wrong number of arguments")
	}
	s, _ := text(c.Get(1))
	c.charge(len(s) / 8)
	c.pay(showCost + sumCost + cost.Made(len(s)))
	c.Push(lua.LString(Sum(s)))
	return 1
}

// redisError raises an error of the redis library, which has no place.
func (c call) redisError(text string) { c.Error(field("err", lua.LString("ERR "+text)), 0) }

// redisLog checks its arguments and logs nothing: the state machine never does.
func redisLog(c call) int {
	if c.GetTop() < 2 {
		c.redisError("redis.log() requires two arguments or more.")
	}
	level, ok := c.Get(1).(lua.LNumber)
	if !ok {
		c.redisError("First argument must be a number (log level).")
	}
	if level < 0 || level > 3 {
		c.redisError("Invalid debug level.")
	}
	return 0
}

func redisSetResp(c call) int {
	if c.GetTop() != 1 {
		c.redisError("redis.setresp() requires one argument.")
	}
	version, _ := number(c.Get(1))
	if version != 2 && version != 3 {
		c.redisError("RESP version must be 2 or 3.")
	}
	c.run().resp3 = version == 3
	return 0
}

// redisSetRepl checks its argument: all that a script does is replicated.
func redisSetRepl(c call) int {
	if c.GetTop() != 1 {
		c.redisError("redis.set_repl() requires two arguments.")
	}
	if flags, _ := number(c.Get(1)); flags < 0 || flags > 3 {
		c.redisError("Invalid replication flags. Use REPL_AOF, REPL_REPLICA, REPL_ALL or REPL_NONE.")
	}
	return 0
}

func redisCheck(c call) int {
	args, fault := c.arguments()
	switch {
	case fault != "":
		c.Error(field("err", lua.LString(fault)), 0)
	case !c.run().host.Known(args):
		c.redisError("Invalid command passed to redis.acl_check_cmd()")
	}
	c.Push(lua.LBool(c.run().host.Allowed(args)))
	return 1
}
