package server

import (
	"fmt"
	"slices"
	"strings"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

// maxName bounds the names that are looked up; longer ones are unknown.
const maxName = 64

// A local is a command that needs the connection or the node.
type local struct {
	fsm.Spec
	usage string   // the arguments, for HELP and the documentation
	acl   []string // ACL categories that Redis adds to the derived ones
	run   func(s *session, args [][]byte) resp.Value
}

// spec returns the Spec of a local row: they have no keys.
func spec(name string, arity int, flags fsm.Flag, group, summary, since string) fsm.Spec {
	return fsm.Spec{Name: name, Arity: arity, Flags: flags, Group: group, Summary: summary, Since: since}
}

// A row is a command as a server knows it.
type row struct {
	*fsm.Spec
	full    string // the name as Redis's statistics show it
	usage   string
	acl     []string
	cats    []string                                   // the categories that permissions go by
	special bool                                       // a write that does not go into the log as it came; see outgoing
	decides bool                                       // a local row that changes the cluster
	command *fsm.Command                               // of Read and Write rows
	run     func(s *session, args [][]byte) resp.Value // of Local rows; nil for most containers
	parent  *row                                       // of a subcommand
	subs    map[string]*row                            // of a container, by the subcommand's name
	order   []*row                                     // subs as they stand in the table
	stats   rowStats
}

// A table finds rows by name. It belongs to one server, as rows count.
type table struct {
	redis   map[string]*row // top level, by upper-case name
	classic map[string]*row // what a classic port answers in its own way
	sorted  []*row          // redis, by name
	all     []*row          // every row, by name
	unknown *row            // counts what is in no row
	exec    *row            // which ends a transaction also where it is refused
}

// localFamilies are the local rows, a slice for each file.
func localFamilies() [][]local {
	return [][]local{
		connectionCommands,
		clientCommands,
		commandCommands,
		infoCommands,
		configCommands,
		raftCommands,
		transactionCommands,
		scriptCommands,
		pubsubCommands,
		sentinelCommands,
		clusterCommands,
		pauseCommands,
		trackingCommands,
		slowlogCommands,
		latencyCommands,
		monitorCommands,
		waitCommands,
		debugCommands,
		lolwutCommands,
		shutdownCommands,
		saveCommands,
		memoryCommands,
		aclCommands,
	}
}

func newTable() *table {
	t := &table{
		redis:   map[string]*row{},
		classic: map[string]*row{},
		unknown: &row{Spec: &fsm.Spec{Name: "UNKNOWN"}, full: "unknown"},
	}
	for _, c := range fsm.Commands() {
		if c.Flags&fsm.Internal != 0 {
			continue
		}
		t.add(&row{Spec: &c.Spec, command: c})
	}
	for _, family := range localFamilies() {
		for i := range family {
			l := &family[i]
			if err := l.Valid(); err != nil {
				panic(err) // a mistake in the table, seen by every test
			}
			t.add(&row{Spec: &l.Spec, usage: l.usage, acl: l.acl, run: l.run})
		}
	}
	byName := func(a, b *row) int { return strings.Compare(a.Name, b.Name) }
	slices.SortFunc(t.sorted, byName)
	slices.SortFunc(t.all, byName)
	t.setPermissions()
	t.exec = t.redis["EXEC"]
	return t
}

// setPermissions notes what checks of permissions need.
func (t *table) setPermissions() {
	bySpec := map[*fsm.Spec]*row{}
	for _, r := range t.all {
		bySpec[r.Spec] = r
	}
	for _, r := range t.all {
		if p := bySpec[r.Permission()]; p != nil {
			r.cats = p.categories()
		}
		r.special = fsm.RunsScript(r.command) || changesUsers(r.command)
		r.decides = r.Flags&fsm.Admin != 0 && strings.HasPrefix(r.Name, "RAFT|") && r.Name != "RAFT|STATUS" && r.Name != "RAFT|DIGEST"
	}
}

// add puts r where it belongs. A container stands ahead of its subcommands.
func (t *table) add(r *row) {
	r.full = strings.ToLower(r.Name)
	t.all = append(t.all, r)
	container, sub, nested := strings.Cut(r.Name, "|")
	into, name := t.redis, r.Name
	switch {
	case r.Flags&fsm.ClassicOnly != 0:
		into, name = t.classic, sub
	case nested:
		r.parent = t.redis[container]
		if r.parent == nil || r.parent.Flags&fsm.Container == 0 {
			panic(fmt.Sprintf("command %s: no container ahead of it", r.Name))
		}
		if r.parent.subs == nil {
			r.parent.subs = map[string]*row{}
		}
		r.parent.order = append(r.parent.order, r)
		into, name = r.parent.subs, sub
	default:
		t.sorted = append(t.sorted, r)
	}
	if into[name] != nil {
		panic(fmt.Sprintf("command %s is in the table twice", r.Name))
	}
	into[name] = r
}

// find returns the top-level row that answers name, or nil.
func (t *table) find(name []byte, classic bool) *row {
	var buf [maxName]byte
	up := upper(&buf, name)
	if classic {
		if r := t.classic[string(up)]; r != nil {
			return r
		}
	}
	return t.redis[string(up)]
}

// findPath is find for "CONTAINER|SUBCOMMAND" too, on the Redis port.
func (t *table) findPath(name []byte) *row {
	head, sub, nested := strings.Cut(string(name), "|")
	r := t.find([]byte(head), false)
	if r != nil && nested {
		return r.sub([]byte(sub))
	}
	return r
}

// sub returns the row of a container's subcommand, or nil.
func (r *row) sub(name []byte) *row {
	var buf [maxName]byte
	return r.subs[string(upper(&buf, name))]
}

// upper writes name in upper case into buf. A name that is too long becomes an
// empty one, which no row has.
func upper(buf *[maxName]byte, name []byte) []byte {
	if len(name) > maxName {
		return nil
	}
	for i, c := range name {
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		buf[i] = c
	}
	return buf[:len(name)]
}

// is reports whether arg is the option word, which is upper case.
func is(arg []byte, word string) bool {
	var buf [maxName]byte
	return len(arg) == len(word) && string(upper(&buf, arg)) == word
}

// Specs returns all rows, those of package fsm and the local ones, by name.
func Specs() []*fsm.Spec {
	t := newTable()
	specs := make([]*fsm.Spec, len(t.all))
	for i, r := range t.all {
		specs[i] = r.Spec
	}
	return specs
}
