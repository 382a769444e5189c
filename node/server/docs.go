package server

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/trivetdb/trivet/fsm"
)

// chapters are the groups in the order of the documentation. Groups that are
// missing here come after them, by name.
var chapters = []struct{ group, title string }{
	{"string", "Strings"}, {"list", "Lists"}, {"hash", "Hashes"}, {"set", "Sets"},
	{"zset", "Sorted sets"}, {"stream", "Streams"}, {"bitmap", "Bitmaps"},
	{"hyperloglog", "HyperLogLog"}, {"geo", "Geo"}, {"generic", "Keys"},
	{"transactions", "Transactions"}, {"pubsub", "Publish and subscribe"},
	{"scripting", "Scripts"}, {"connection", "Connection"}, {"server", "Server"},
	{"cluster", "Cluster"}, {"sentinel", "Sentinel"}, {"classic", "Classic"},
}

const docsHead = `# Commands

<!-- Generated from the command table by go generate; do not edit. -->

Trivet answers the commands below as Redis ` + redisVersion + ` does, with the differences listed at the end.
*Since* is the version of Redis that brought the command. The last column says where a command runs:
**write** goes through the replicated log, **read** is answered from the state of the node that was
asked, **local** by that node from its own knowledge.

`

const docsTail = `## What differs from Redis

- **Durability.** A write is answered once a majority of the nodes has it on disk. Where a node cannot
  learn whether a write was applied, it closes the connection without a reply.
- **A follower** answers writes with ` + "`MOVED 0 host:port`" + `, the leader's address, or forwards them to the
  leader where ` + "`--on-follower forward`" + ` says so; it forwards PUBLISH and SCRIPT LOAD in either
  case. While there is no leader, commands that need one wait for a moment and then answer
  ` + "`LOADING ...`" + `, which clients try again.
- **Reads** are served by the node that is asked. It has at least the writes that were acknowledged on
  the same connection. ` + "`CLIENT READS LINEARIZABLE`" + ` makes the reads of a connection see all
  writes that were acknowledged on any; ` + "`CLIENT READS LOCAL`" + ` goes back.
- **DELETE** is another name of DEL, and **FLUSH** of FLUSHDB, so that users of the classic protocol
  find their commands.
- **RAFT** shows and changes the cluster: ` + "`RAFT STATUS`, `RAFT DIGEST`, `RAFT REMOVE name`, `RAFT PROMOTE name`,\n  `RAFT TRANSFER [name]`" + `.
- **PUBLISH** reaches the subscribers on all nodes, in the order of the log; it answers how many there
  are on the node that was asked. PUBSUB counts those of that node too.
- **SENTINEL** is answered by every node, for clients that find the leader by it: give them the nodes'
  Redis addresses as sentinels' and ` + "`" + MasterName + "`" + ` as the name; any other name is taken for it. Sentinels
  ask for the same password.
- **CLUSTER** shows one shard with all slots, led by the leader. It never answers CROSSSLOT.
- **Blocking commands** are served first come, first served over all nodes. Clients that are called at the
  same time, since several elements came at once, may get them in any order. While there is no leader they
  wait on; a node that stops closes the connections of those who wait.
- **Scripts** run on every node, as part of the log; EVAL_RO and EVALSHA_RO run on the node that is asked and
  are not remembered. A script that does too much, some 100 million instructions, ends with an error; what it
  had written stays. Time stands still while a script runs. Scripts that only EVAL brought are forgotten once
  500 others were used since. What a script sets of cjson ends with it. PUBLISH answers 0 within scripts. What a node knows by
  itself and others may not (INFO, LASTSAVE, COMMAND, SLOWLOG, PUBSUB, MEMORY STATS, CLUSTER, LOLWUT) scripts cannot ask for.
- **XREAD** with BLOCK waits on the node that the client is on, also on a follower; its $ is the last ID in the
  order of all writes. **XREADGROUP** with BLOCK is one write when it begins, and none while it
  waits. Consumers, idle times and errors are as in Redis 7.2.
- **XADD** and **XTRIM** with ~ remove exactly what is asked for, or as many entries as LIMIT says; Redis
  keeps to whole nodes. The radix tree that XINFO STREAM tells of is that of entries of few bytes.
- **DUMP** writes what Redis 7.0 and later load; there is no such form for a list or a dictionary of the
  classic protocol. **RESTORE** reads what Redis 2.6 to 7.2 dumped; IDLETIME and FREQ have no effect.
- **SORT** with ALPHA compares bytes, as Redis does in the locale C.
- **CLIENT** commands, CLIENT UNBLOCK among them, know the connections to the node that is asked.
- **WATCH** compares the log index at which a key was last changed. A stream counts as changed also by what only its
  groups and consumers are: XREADGROUP, XACK, XCLAIM, XAUTOCLAIM, XGROUP. Of keys that came and went the last 16,384
  are remembered; who watches for longer finds them changed.
- **SUBSCRIBE** and the like are refused within MULTI.
- **Requests** have at most 1,048,576 arguments, 128 MB in all; an argument has at most 64 MB. A client's name, and
  those of its library, have at most 512 bytes. What clients may make a node hold is in [limits.md](limits.md).
- **CLIENT NO-TOUCH** is accepted and has no effect. **CLIENT TRACKING ON** is an error:
  client-side caching is not supported.
- **CLIENT PAUSE** holds back the clients of the node that is asked; those of other nodes go on. CLIENT UNPAUSE is
  never held back.
- **MONITOR**, **SLOWLOG** and **LATENCY** tell of the clients of the node that is asked. MONITOR does not show
  what scripts call. The time of a write is that from its being read to its reply, with its way through the log;
  writes that were pipelined or in a transaction make one entry of SLOWLOG, which shows the first and says how many
  came after it. What a client waited for in BRPOP or WAIT does not count.
- **WAIT** and **WAITAOF** answer at once for as many followers as a majority needs, since a write is answered only
  when a majority has it on disk. For more, the followers are asked until they have applied the connection's last
  write, or the timeout is over.
- **SAVE**, **BGSAVE** and **BGREWRITEAOF** take a snapshot of the node that is asked, after which its log is cut. They
  are never needed for safety.
- **SHUTDOWN** stops the node as SIGTERM does: it hands over the leadership first. It cannot be aborted.
- **FAILOVER** hands the leadership over and answers when another node leads; FORCE forces nothing.
- **DEBUG** knows SLEEP, which lets the connection wait and not the node, OBJECT and ERROR.
- **CONFIG SET** may be sent to any node and sets parameters on all nodes, for good: they are part of the
  data, so CONFIG REWRITE has nothing to do. Real are ` + "`maxmemory`, `notify-keyspace-events`, `maxclients`,\n  `maxmemory-clients`, `protected-mode`, `timeout`, `slowlog-log-slower-than`, `slowlog-max-len`, `acllog-max-len`,\n  `latency-monitor-threshold`" + ` and, of
  ` + "`client-output-buffer-limit`" + `, the hard limits of the classes normal and pubsub. What is set counts more than the nodes'
  flags; the value ` + "`default`" + ` takes it back. Of other parameters CONFIG GET knows a few that tools ask for;
  setting them to what they are is answered OK. CONFIG RESETSTAT is about the node that is asked.
- **maxmemory**, or ` + "`--max-memory`" + `, limits an estimate of what keys and values take, which is the same on
  all nodes: ` + "`used_memory_dataset`" + ` of INFO, and the sum of MEMORY USAGE. Past it, commands that may grow the
  data are refused; nothing is ever evicted. The process takes more than that.
- **Keyspace notifications** are given by each node to its own subscribers, in the order of the log. A key
  expires when the log removes it, soon after its time. Those of class ` + "`m`" + ` come from the node that was asked.
- **ACL**: users are data of the cluster. ACL SETUSER and ACL DELUSER go through the log, and all nodes check
  commands by the same rules; a script is checked as it is applied. The password of ` + "`--password`" + ` is the default
  user's until an ACL SETUSER speaks of that user's passwords: it finds that password there, and from then on
  what it says counts. ACL LOG tells what the clients of the node that is asked were denied, without the client
  where it was in a script; what EVAL_RO was denied is not noted. There are no ACL files: ACL LOAD and ACL SAVE
  are refused. Second names of commands need the permission of the first.
- **INFO** describes the node that is asked. ` + "`role:master`" + ` is the leader, ` + "`role:slave`" + ` any other node. The
  section ` + "`raft`" + ` is trivet's own.
- **COMMAND DOCS** has no arguments and no complexity. **OBJECT ENCODING** follows from the value alone, not from how it came to be.

## What is left out

These are answered with Redis's error for commands, or subcommands, that it does not know:

- modules: MODULE and all that modules bring;
- moving data between servers: MIGRATE, RESTORE-ASKING (DUMP and RESTORE are there, and ` + "`trivet import`" + `);
- replication: REPLICAOF, SLAVEOF, REPLCONF, SYNC, PSYNC. Followers follow by Raft;
- CLUSTER's commands that change a cluster or its slots (ADDSLOTS, DELSLOTS, SETSLOT, FLUSHSLOTS, MEET, FORGET, FAILOVER, REPLICATE,
  RESET, BUMPEPOCH, SAVECONFIG and the like), and LINKS, REPLICAS, SLAVES, COUNT-FAILURE-REPORTS and MYSHARDID;
- SENTINEL's commands that change what it watches;
- tests of Redis itself: PFDEBUG, PFSELFTEST, and of DEBUG all but SLEEP, OBJECT and ERROR;
- what came after Redis 7.2, the expiry of a hash's fields among them.

## The classic port

The commands of the chapter *Classic* answer as the article's server does, on the classic port only:
SET answers 1, DELETE and FLUSH answer how many keys they deleted, MSET how many it set. SET and MSET
keep the types of what they store: strings, integers, lists, dictionaries and null. All other
commands work on that port too, with strings and integers as arguments. An unknown command is answered
with ` + "`Unrecognized command: NAME`" + `. GET and MGET on the Redis port show a list or a dictionary that a
classic client stored as an array or a map; commands that need a string answer ` + "`WRONGTYPE`" + `.
`

// WriteDocs writes docs/commands.md.
func WriteDocs(w io.Writer) error {
	byGroup := map[string][]*row{}
	for _, r := range newTable().all {
		if len(r.order) == 0 || r.run != nil { // containers alone do nothing
			byGroup[r.Group] = append(byGroup[r.Group], r)
		}
	}
	var b bytes.Buffer
	b.WriteString(docsHead)
	b.WriteString(docsBounds())
	chapter := func(title, group string) {
		fmt.Fprintf(&b, "## %s\n\n| Command | Arguments | Summary | Since | Runs |\n|---|---|---|---|---|\n", title)
		for _, r := range byGroup[group] {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", r.title(), cell(r.arguments()), cell(r.Summary), r.since(), r.runs())
		}
		b.WriteString("\n")
		delete(byGroup, group)
	}
	for _, c := range chapters {
		if len(byGroup[c.group]) > 0 {
			chapter(c.title, c.group)
		}
	}
	var rest []string
	for group := range byGroup {
		rest = append(rest, group)
	}
	slices.Sort(rest)
	for _, group := range rest {
		chapter(title(group), group)
	}
	b.WriteString(docsTail)
	_, err := w.Write(b.Bytes())
	return err
}

// title returns the name as clients send it.
func (r *row) title() string {
	if r.Flags&fsm.ClassicOnly != 0 {
		return strings.ToUpper(r.FullName())
	}
	return strings.ReplaceAll(r.Name, "|", " ")
}

// arguments says what follows the name.
func (r *row) arguments() string {
	name, n := 1, r.Arity
	if r.parent != nil {
		name = 2
	}
	switch {
	case r.usage != "":
		return "`" + r.usage + "`"
	case n == name, n == -name && r.command == nil:
		return "none"
	case n > 0:
		return fmt.Sprint(n - name)
	case n == -name:
		return "0 or more"
	}
	return fmt.Sprintf("%d or more", -n-name)
}

// since returns the version of Redis that brought the command, if any did.
func (r *row) since() string {
	if r.Flags&(fsm.Alias|fsm.ClassicOnly) != 0 {
		return "–"
	}
	return r.Since
}

// runs says where the command runs, and what else its flags tell users.
func (r *row) runs() string {
	words := []string{"local"}
	switch {
	case r.Flags&fsm.Write != 0:
		words[0] = "write"
	case r.Flags&fsm.Read != 0:
		words[0] = "read"
	}
	for _, f := range []struct {
		flag fsm.Flag
		word string
	}{{fsm.Blocking, "blocking"}, {fsm.Admin, "admin"}, {fsm.Alias, "not in Redis"}} {
		if r.Flags&f.flag != 0 {
			words = append(words, f.word)
		}
	}
	return strings.Join(words, ", ")
}

// cell makes text safe within a table.
func cell(text string) string { return strings.ReplaceAll(text, "|", "\\|") }
