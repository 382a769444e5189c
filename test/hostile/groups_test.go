//go:build hostile

package hostile

// groups are all inputs, by the sections of the issue.
var groups = []group{scripts, commands, fromMembers, kept, strangers, gossips, forgeries, remote, browsers, users, crowds}
