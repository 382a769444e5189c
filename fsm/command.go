package fsm

import (
	"fmt"
	"strings"

	"github.com/trivetdb/trivet/resp"
)

// A Command is a Spec with its effect on the state. Args counts the name as
// argument 0; its bytes must not be kept.
type Command struct {
	Spec
	Run func(tx *Tx, args [][]byte) resp.Value
}

// Commands returns every row of the table, the families in order.
func Commands() []*Command { return rows }

// Lookup returns the row called name (upper case), or nil.
func Lookup(name string) *Command { return table[name] }

// ClassicName returns the name of the row that answers name on a classic port.
func ClassicName(name string) string { return classicPrefix + name }

var rows, table = buildTable(
	stringCommands,
	bitmapCommands,
	hyperLogLogCommands,
	geoCommands,
	listCommands,
	hashCommands,
	setCommands,
	zsetCommands,
	streamCommands,
	xreadCommands,
	xgroupCommands,
	pendingCommands,
	xinfoCommands,
	genericCommands,
	objectCommands,
	dumpCommands,
	databaseCommands,
	sortCommands,
	serverCommands,
	transactionCommands,
	blockingCommands,
	pubsubCommands,
	scriptCommands,
	functionCommands,
	slotCommands,
	userCommands,
	classicCommands,
	settingCommands,
	loadCommands,
	levelCommands,
)

func buildTable(families ...[]Command) ([]*Command, map[string]*Command) {
	var list []*Command
	byName := map[string]*Command{}
	for _, family := range families {
		for i := range family {
			c := &family[i]
			if err := c.Valid(); err != nil {
				panic(err) // a mistake in the table, seen by every test
			}
			if byName[c.Name] != nil {
				panic("command " + c.Name + " is in the table twice")
			}
			byName[c.Name] = c
			list = append(list, c)
		}
	}
	return list, byName
}

// Valid reports what is wrong with the row, if anything.
func (s *Spec) Valid() error {
	kinds := 0
	for _, f := range []Flag{Write, Read, Local, Logged} {
		if s.Flags&f != 0 {
			kinds++
		}
	}
	minArgs := s.Arity
	if minArgs < 0 {
		minArgs = -minArgs
	}
	switch {
	case s.Name != strings.ToUpper(s.Name):
		return fmt.Errorf("command %s: the name is not upper case", s.Name)
	case kinds != 1:
		return fmt.Errorf("command %s: not exactly one of Write, Read, Local and Logged", s.Name)
	case s.Arity == 0:
		return fmt.Errorf("command %s: no arity", s.Name)
	case s.Keys.First > minArgs || s.Keys.First == s.Arity:
		return fmt.Errorf("command %s: its first key is past its arity", s.Name)
	case s.Keys.First != 0 && s.Keys.Step == 0:
		return fmt.Errorf("command %s: its keys have no step", s.Name)
	case s.Group == "" || s.Summary == "" || s.Since == "":
		return fmt.Errorf("command %s: no group, summary or since", s.Name)
	}
	return nil
}
