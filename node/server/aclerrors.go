package server

import (
	"fmt"

	"github.com/trivetdb/trivet/fsm/acl"
	"github.com/trivetdb/trivet/resp"
)

var errGenPass = resp.Err(fmt.Sprintf("ERR ACL GENPASS argument must be the number of bits for the output password, a positive number up to %d", maxGenPass))

func textDenied(user string, r *row) string {
	return fmt.Sprintf("User %s has no permissions to run the '%s' command", user, r.FullName())
}

// errDenied is the answer to a command that a user may not run.
func errDenied(why acl.Reason, user string, r *row) resp.Value {
	if why == acl.DeniedCommand {
		return resp.Err("NOPERM " + textDenied(user, r))
	}
	return resp.Err("NOPERM No permissions to access a " + why.String())
}

// errDeniedNow is the answer to a command that a user may not run any more, in
// EXEC.
func errDeniedNow(why acl.Reason) resp.Value {
	reason := map[acl.Reason]string{
		acl.DeniedCommand: "no permission to execute the command or subcommand",
		acl.DeniedKey:     "no permission to touch the specified keys",
		acl.DeniedChannel: "no permission to access one of the channels used as arguments to the command",
	}[why]
	return resp.Err("NOPERM ACLs rules changed between the moment the transaction was accumulated and the EXEC call. This command is no longer allowed for the following reason: " + reason)
}

func errCategory(name []byte) resp.Value {
	return resp.Err(fmt.Sprintf("ERR Unknown category '%s'", shown(name, maxShown)))
}

func errUserNotFound(name []byte) resp.Value {
	return resp.Err(fmt.Sprintf("ERR User '%s' not found", shown(name, maxShown)))
}

func errCommandNotFound(name []byte) resp.Value {
	return resp.Err(fmt.Sprintf("ERR Command '%s' not found", shown(name, maxShown)))
}
