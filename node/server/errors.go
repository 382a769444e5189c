package server

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

// The error replies, in Redis's words where Redis has them.
var (
	errNoAuth        = resp.Err("NOAUTH Authentication required.")
	errHelloNoAuth   = resp.Err("NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> option can be used to authenticate the client and select the RESP protocol version at the same time")
	errWrongPass     = resp.Err("WRONGPASS invalid username-password pair or user is disabled.")
	errNoPassword    = resp.Err("ERR AUTH <password> called without any password configured for the default user. Are you sure your configuration is correct?")
	errNoProto       = resp.Err("NOPROTO unsupported protocol version")
	errProtoInteger  = resp.Err("ERR Protocol version is not an integer or out of range")
	errSyntax        = resp.Err("ERR syntax error")
	errNotInteger    = resp.Err("ERR value is not an integer or out of range")
	errDBIndex       = resp.Err("ERR DB index is out of range")
	errMaxClients    = resp.Err("ERR max number of clients reached")
	errLoading       = resp.Err("LOADING Redis is loading the dataset in memory")
	errClientName    = resp.Err("ERR Client names cannot contain spaces, newlines or special characters.")
	errNoSuchClient  = resp.Err("ERR No such client")
	errUnblocked     = resp.Err("UNBLOCKED client unblocked via CLIENT UNBLOCK")
	errUnblockReason = resp.Err("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR")
	errKillID        = resp.Err("ERR client-id should be greater than 0")
	errListID        = resp.Err("ERR Invalid client ID")
	errMaxAge        = resp.Err("ERR maxage is not an integer or out of range")
	errMaxAgeZero    = resp.Err("ERR maxage should be greater than 0")
	errKeysCommand   = resp.Err("ERR Invalid command specified")
	errKeysCount     = resp.Err("ERR Invalid number of arguments specified for command")
	errKeysNone      = resp.Err("ERR The command has no key arguments")
)

func errLongName(what string) resp.Value {
	return resp.Err(fmt.Sprintf("ERR %s is longer than %d bytes", what, maxClientName))
}

func errConfigUnknown(name []byte) resp.Value {
	return resp.Err(fmt.Sprintf("ERR Unknown option or number of arguments for CONFIG SET - '%s'", shown(name, maxShown)))
}

func errConfigSet(name []byte, reason string) resp.Value {
	return resp.Err(fmt.Sprintf("ERR CONFIG SET failed (possibly related to argument '%s') - %s", shown(name, maxShown), reason))
}

// About transactions.
var (
	errOOM          = resp.Err("OOM command not allowed when used memory > 'maxmemory'.")
	errExecOOM      = errExecBecause(errOOM)
	errNestedMulti  = resp.Err("ERR MULTI calls can not be nested")
	errNoDiscard    = resp.Err("ERR DISCARD without MULTI")
	errNoExec       = resp.Err("ERR EXEC without MULTI")
	errExecAbort    = resp.Err("EXECABORT Transaction discarded because of previous errors.")
	errWatchInMulti = resp.Err("ERR WATCH inside MULTI is not allowed")
	errNotInMulti   = resp.Err("ERR Command not allowed inside a transaction")
	errNotBusy      = resp.Err("NOTBUSY No scripts in execution right now.")
)

// errExecBecause is what a refused EXEC says.
func errExecBecause(fail resp.Value) resp.Value {
	return resp.Err("EXECABORT Transaction discarded because of: " + strings.TrimPrefix(fail.Str, "ERR "))
}

// What the article's server says, and what only a classic port has to say.
var (
	errClassicRequest = resp.Err("Request must be list or simple string.")
	errClassicMissing = resp.Err("Missing command")
	errClassicName    = resp.Err("Command name must be a string.")
	errClassicKey     = resp.Err("ERR a key must be a string or an integer")
	errClassicValue   = resp.Err("ERR a list or dictionary can only be stored with SET or MSET on the classic port")
)

// maxShown bounds what an error text repeats of a request.
const maxShown = 128

// shown returns the part of b that an error text repeats. Like Redis it ends at
// a zero byte.
func shown(b []byte, most int) []byte {
	if i := bytes.IndexByte(b, 0); i >= 0 {
		b = b[:i]
	}
	return b[:min(len(b), most)]
}

func errUnknownCommand(args [][]byte) resp.Value {
	var rest strings.Builder
	for _, arg := range args[1:] {
		if rest.Len() >= maxShown {
			break
		}
		fmt.Fprintf(&rest, "'%s' ", shown(arg, maxShown-rest.Len()))
	}
	return resp.Err(fmt.Sprintf("ERR unknown command '%s', with args beginning with: %s", shown(args[0], maxShown), &rest))
}

func errUnknownSubcommand(container *fsm.Spec, sub []byte) resp.Value {
	return resp.Err(fmt.Sprintf("ERR unknown subcommand '%s'. Try %s HELP.", shown(sub, maxShown), container.Name))
}

func errUnknownClassic(name []byte) resp.Value {
	return resp.Err("Unrecognized command: " + string(bytes.ToUpper(shown(name, maxShown))))
}

func errArity(s *fsm.Spec) resp.Value {
	return resp.Err(fmt.Sprintf("ERR wrong number of arguments for '%s' command", s.FullName()))
}

func errMoved(addr string) resp.Value { return resp.Err("MOVED 0 " + addr) }

func errHelloOption(option []byte) resp.Value {
	return resp.Err(fmt.Sprintf("ERR Syntax error in HELLO option '%s'", shown(option, maxShown)))
}

func errSetInfo(option []byte) resp.Value {
	return resp.Err(fmt.Sprintf("ERR Unrecognized option '%s'", shown(option, maxShown)))
}

func errSetInfoValue(option string) resp.Value {
	return resp.Err("ERR " + option + " cannot contain spaces, newlines or special characters.")
}

func errClientType(kind []byte) resp.Value {
	return resp.Err(fmt.Sprintf("ERR Unknown client type '%s'", shown(kind, maxShown)))
}

func errNoSuchUser(name []byte) resp.Value {
	return resp.Err(fmt.Sprintf("ERR No such user '%s'", shown(name, maxShown)))
}

func errSubscriber(spec *fsm.Spec) resp.Value {
	return resp.Err(fmt.Sprintf("ERR Can't execute '%s': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are allowed in this context", spec.FullName()))
}
