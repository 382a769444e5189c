package fsm

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// settingCommands carry settings through the log. CONFIG SET sends what it has
// checked; a leader sends what its own flags say, see MemoryFlag.
var settingCommands = []Command{
	{Spec{"SETTINGS|SET", -3, Logged | Internal | Alias, Keys{}, "server", "Set settings of the cluster.", "2.0.0"}, settingsSet},
	{Spec{"SETTINGS|FULL", 1, Read | Internal | Alias, Keys{}, "server", "Tell whether the data has outgrown maxmemory.", "2.0.0"}, settingsFull},
}

// MemoryFlag is the setting that holds the leader's --max-memory, so that all
// nodes decide by the same number. Where CONFIG SET has set maxmemory, that
// counts.
const MemoryFlag = "maxmemory-flag"

// Unset is the value that takes a setting back: the flags of each node, or the
// defaults, count again.
const Unset = "default"

// ErrUnknownSetting says that there is no such setting, or none that can be set.
var ErrUnknownSetting = errors.New("unknown setting")

// Settings are what CONFIG SET has set, on all nodes. Settings never change:
// others take their place.
type Settings struct {
	values map[string]string
	memory uint64 // bytes of data at most, 0 for any number
	notify events
}

var noSettings = &Settings{}

// A setting says how the value of one is read. The parser returns it in its one
// form; its error is for the client.
type setting struct {
	name  string
	parse func(text string) (string, error)
}

// The largest values of the settings that say how much a node keeps to be looked
// at. Larger ones, which older versions let pass, count as these.
const (
	MaxSlow   = 10_000 // slowlog-max-len: an entry has up to 5 KB
	MaxDenied = 1_000  // acllog-max-len: the same
)

var knownSettings = []setting{
	{"acllog-max-len", wholeNumber(0, MaxDenied)},
	{"client-output-buffer-limit", parseBufferLimits},
	{"latency-monitor-threshold", wholeNumber(0, math.MaxInt64)},
	{"maxclients", wholeNumber(1, math.MaxUint32)},
	{"maxmemory", byteNumber},
	{"maxmemory-clients", parseClientMemory},
	{"maxmemory-policy", parsePolicy},
	{"notify-keyspace-events", parseEventText},
	{"protected-mode", yesOrNo},
	{"slowlog-log-slower-than", wholeNumber(-1, math.MaxInt64)},
	{"slowlog-max-len", wholeNumber(0, MaxSlow)},
	{"timeout", wholeNumber(0, math.MaxInt32)},
}

// ParseSetting returns the one form of a setting's value. The error is
// ErrUnknownSetting, or says in Redis's words what is wrong with the value.
func ParseSetting(name, text string) (string, error) {
	i := slices.IndexFunc(knownSettings, func(s setting) bool { return s.name == name })
	if i < 0 {
		return "", ErrUnknownSetting
	}
	if text == Unset {
		return Unset, nil
	}
	return knownSettings[i].parse(text)
}

// Get returns a setting's value in its one form, and whether it is set.
func (s *Settings) Get(name string) (value string, ok bool) {
	value, ok = s.values[name]
	return value, ok
}

// Int returns the value of a setting that is a whole number, or what counts
// where it is not set.
func (s *Settings) Int(name string, otherwise int64) int64 {
	if n, ok := parseInt([]byte(s.values[name])); ok {
		return n
	}
	return otherwise
}

// MaxMemory returns how many bytes of data there may be, 0 for any number.
func (s *Settings) MaxMemory() uint64 { return s.memory }

// Misses reports whether keys that were asked for and not found are told of.
func (s *Settings) Misses() bool { return s.notify&notifyMiss != 0 }

// Settings returns the settings that count now.
func (s *State) Settings() *Settings { return s.settings }

// with returns settings with pairs of names and values besides, or instead.
func (s *Settings) with(pairs [][]byte) *Settings {
	values := maps.Clone(s.values)
	if values == nil {
		values = map[string]string{}
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		name, value := string(pairs[i]), string(pairs[i+1])
		if value == Unset {
			delete(values, name)
		} else {
			values[name] = value
		}
	}
	return newSettings(values)
}

// newSettings reads what the state itself goes by. A value that this version
// cannot read counts for nothing; it is kept, for versions that can.
func newSettings(values map[string]string) *Settings {
	if len(values) == 0 {
		return noSettings
	}
	s := &Settings{values: values}
	limit, ok := values["maxmemory"]
	if !ok {
		limit = values[MemoryFlag]
	}
	s.memory, _ = ParseBytes(limit)
	s.notify, _ = parseEvents(values["notify-keyspace-events"])
	return s
}

func settingsSet(tx *Tx, args [][]byte) resp.Value {
	tx.chargeEach(args[1:], cost.Insert)
	if tx.write {
		tx.st.settings = tx.st.settings.with(args[1:])
	}
	return resp.OK
}

func wholeNumber(least, most int64) func(string) (string, error) {
	return func(text string) (string, error) {
		n, ok := parseInt([]byte(text))
		switch {
		case !ok:
			return "", errors.New("argument couldn't be parsed into an integer")
		case n < least || n > most:
			return "", fmt.Errorf("argument must be between %d and %d inclusive", least, most)
		}
		return text, nil
	}
}

func byteNumber(text string) (string, error) {
	n, ok := ParseBytes(text)
	if !ok {
		return "", errors.New("argument must be a memory value")
	}
	return strconv.FormatUint(n, 10), nil
}

// parseClientMemory takes a number of bytes. A share of maxmemory, as Redis has it
// too, would be one of what the data may take.
func parseClientMemory(text string) (string, error) {
	n, ok := ParseBytes(text)
	switch {
	case !ok:
		return "", errors.New("argument must be a memory value")
	case n > math.MaxInt64:
		return "", fmt.Errorf("argument must be between 0 and %d inclusive", int64(math.MaxInt64))
	}
	return strconv.FormatUint(n, 10), nil
}

func yesOrNo(text string) (string, error) {
	switch answer := strings.ToLower(text); answer {
	case "yes", "no":
		return answer, nil
	}
	return "", errors.New("argument must be 'yes' or 'no'")
}

var byteUnits = map[string]uint64{
	"": 1, "b": 1, "k": 1e3, "kb": 1 << 10, "m": 1e6, "mb": 1 << 20, "g": 1e9, "gb": 1 << 30,
}

// ParseBytes reads a number of bytes as Redis's configuration has it: 100mb is
// 100*1024*1024, 100m is 100,000,000.
func ParseBytes(text string) (n uint64, ok bool) {
	digits := strings.TrimRight(text, "bkmgBKMG")
	unit, ok := byteUnits[strings.ToLower(text[len(digits):])]
	n, err := strconv.ParseUint(digits, 10, 64)
	if !ok || err != nil || n > math.MaxUint64/unit {
		return 0, false
	}
	return n * unit, true
}

var policies = []string{
	"volatile-lru", "volatile-lfu", "volatile-random", "volatile-ttl",
	"allkeys-lru", "allkeys-lfu", "allkeys-random", "noeviction",
}

func parsePolicy(text string) (string, error) {
	switch policy := strings.ToLower(text); {
	case policy == "noeviction":
		return policy, nil
	case slices.Contains(policies, policy):
		return "", errors.New("trivet evicts no keys: only noeviction is possible")
	}
	return "", errors.New("argument(s) must be one of the following: " + strings.Join(policies, ", "))
}

// BufferLimits is how client-output-buffer-limit reads: what may wait for a
// client is bounded by one number, and for a subscriber by another. A replica is no
// client here.
func BufferLimits(normal, pubsub uint64) string {
	return fmt.Sprintf("normal %d 0 0 slave 0 0 0 pubsub %d 0 0", normal, pubsub)
}

// BufferLimits returns how many bytes may wait for a client, and for a subscriber;
// what is given counts where that is not set.
func (s *Settings) BufferLimits(normal, pubsub uint64) (uint64, uint64) {
	words := strings.Fields(s.values["client-output-buffer-limit"])
	limit := func(class string, otherwise uint64) uint64 {
		if i := slices.Index(words, class); i >= 0 && i+1 < len(words) {
			if n, ok := ParseBytes(words[i+1]); ok {
				return n
			}
		}
		return otherwise
	}
	return limit("normal", normal), limit("pubsub", pubsub)
}

// A settingError says in Redis's words what is wrong with a value.
type settingError string

func (e settingError) Error() string { return string(e) }

// parseBufferLimits takes Redis's form, class hard soft seconds for each class. The
// last limit of a class counts, so that new ones may stand behind those that count
// now.
func parseBufferLimits(text string) (string, error) {
	words := strings.Fields(text)
	if len(words) == 0 || len(words)%4 != 0 {
		return "", settingError("Wrong number of arguments in buffer limit configuration.")
	}
	limits := map[string]uint64{}
	for ; len(words) > 0; words = words[4:] {
		hard, ok1 := ParseBytes(words[1])
		soft, ok2 := ParseBytes(words[2])
		seconds, ok3 := parseInt([]byte(words[3]))
		class := strings.ToLower(words[0])
		switch {
		case class != "normal" && class != "slave" && class != "replica" && class != "pubsub":
			return "", settingError("Invalid client class specified in buffer limit configuration.")
		case !ok1 || !ok2 || !ok3 || seconds < 0:
			return "", settingError("Error in hard, soft or soft_seconds setting in buffer limit configuration.")
		case (class == "normal" || class == "pubsub") && soft == 0 && seconds == 0:
			limits[class] = hard
		case hard != 0 || soft != 0 || seconds != 0:
			return "", errors.New("trivet has hard limits for the classes normal and pubsub, and no others: all else must be 0")
		}
	}
	for _, class := range []string{"normal", "pubsub"} {
		if _, given := limits[class]; !given {
			return "", errors.New("the limit of class " + class + " is missing")
		}
	}
	return BufferLimits(limits["normal"], limits["pubsub"]), nil
}

// settings writes the settings, behind a byte that no database has, where there
// are any.
func (e *encoder) settings(s *Settings) {
	if len(s.values) == 0 {
		return
	}
	e.byte(settingsMark)
	e.uvarint(uint64(len(s.values)))
	for _, name := range slices.Sorted(maps.Keys(s.values)) {
		e.string(name)
		e.string(s.values[name])
	}
}

func (d *stateReader) settings(s *State) {
	values, last := map[string]string{}, ""
	n := d.uvarint()
	all := n
	if n == 0 || len(s.settings.values) > 0 {
		d.fail("list of settings that is empty or comes twice")
	}
	for ; n > 0 && d.err == nil; n-- {
		name := d.string()
		if value := d.string(); n < all && name <= last || value == Unset {
			d.fail("list of settings that is out of order")
		} else {
			values[name] = value
		}
		last = name
	}
	s.settings = newSettings(values)
}
