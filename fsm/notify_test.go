package fsm

import (
	"slices"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/resp"
	"github.com/trivetdb/trivet/test/transcript"
)

// silent lists the Write rows that tell of nothing, and why.
var silent = map[string]string{
	"FLUSHDB":          "Redis is silent too",
	"FLUSHALL":         "Redis is silent too",
	"FLUSH":            "Redis is silent too",
	"CLASSIC|FLUSH":    "it is FLUSHDB",
	"SWAPDB":           "Redis is silent too",
	"XACK":             "Redis is silent too",
	"FUNCTION|LOAD":    "no key is concerned",
	"FUNCTION|DELETE":  "no key is concerned",
	"FUNCTION|FLUSH":   "no key is concerned",
	"FUNCTION|RESTORE": "no key is concerned",
	"TX|WATCH":         "it changes nothing",
	"LOAD|BEGIN":       "nothing is seen of it yet",
	"LOAD|PART":        "nothing is seen of it yet",
	"LOAD|DROP":        "nothing was seen of it",
	"LOAD|END":         "like FLUSHALL, it is about no single key",
	"TX|SELECT":        "it changes nothing",
	"TX|WOKEN":         "it changes nothing",
	"TX|AS":            "its command tells",
	"TX|ADMIT":         "it changes nothing",
	"TX|LEVEL":         "it changes no key",
}

// Each Write row tells of what it does somewhere in the transcripts, or stands in
// silent.
func TestWritesNotify(t *testing.T) {
	tells := map[string]bool{}
	files, err := transcript.Load("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		m := newMachine(t)
		m.check = false
		m.do(0, "SETTINGS|SET", "notify-keyspace-events", "KEA")
		play(t, f, func(c transcript.Command) resp.Value {
			// What expires before the command is not the command's.
			if at := c.At; at > m.st.Now() {
				m.entry(at)
				m.st.TakeMessages()
			}
			v := m.step(c)
			for _, n := range m.st.TakeMessages() {
				if strings.HasPrefix(n.Channel, "__key") && n.Channel != "__keyevent@0__:expired" {
					tells[rowOf(c).Name] = true
				}
			}
			return v
		})
	}
	var missing []string
	for _, c := range rows {
		_, known := silent[c.Name]
		switch {
		case c.Flags&Write != 0 && !known && !tells[c.Name]:
			missing = append(missing, c.Name)
		case known && tells[c.Name]:
			t.Errorf("%s is listed as silent, and is not", c.Name)
		}
	}
	slices.Sort(missing)
	if len(missing) > 0 {
		t.Errorf("these rows tell of no event, see Tx.notify: %s", strings.Join(missing, " "))
	}
}

func texts(messages []Message) []string {
	var all []string
	for _, m := range messages {
		all = append(all, m.Channel+" "+m.Text)
	}
	return all
}

func TestNotifications(t *testing.T) {
	m := newMachine(t)
	m.do(1, "SET", "quiet", "1")
	m.do(1, "SETTINGS|SET", "notify-keyspace-events", "A")
	m.do(1, "SET", "quiet", "1")
	if got := m.st.TakeMessages(); got != nil {
		t.Errorf("without a channel: %q", texts(got))
	}
	m.do(1, "SETTINGS|SET", "notify-keyspace-events", "KE$xn")
	m.write(1, 3, Lookup("SET"), bulks("SET", "k", "v", "PX", "5"), nil) // EX is generic, which is off
	m.do(9, "DEL", "none")
	want := []string{
		"__keyspace@3__:k new", "__keyevent@3__:new k", "__keyspace@3__:k set", "__keyevent@3__:set k",
		"__keyspace@3__:k expired", "__keyevent@3__:expired k",
	}
	if got := texts(m.st.TakeMessages()); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	if _, ok := m.st.Settings().Get("notify-keyspace-events"); !ok || m.st.TakeMessages() != nil {
		t.Error("messages come twice")
	}
}

// A read tells of a key that it misses where that is wanted; the state does not
// change.
func TestMissedKeys(t *testing.T) {
	m := newMachine(t)
	ask := func(words ...string) []string {
		var told []Message
		m.st.Read(Request{Command: Lookup(words[0]), Args: bulks(words...), DB: 2, Now: 1, Notices: &told})
		return texts(told)
	}
	if got := ask("GET", "k"); got != nil {
		t.Errorf("while it is off: %q", got)
	}
	m.do(1, "SETTINGS|SET", "notify-keyspace-events", "Em")
	if got := ask("MGET", "k", "j"); !slices.Equal(got, []string{"__keyevent@2__:keymiss k", "__keyevent@2__:keymiss j"}) {
		t.Errorf("MGET: %q", got)
	}
	if got := ask("EVAL_RO", "return redis.call('GET', 'k')", "0"); !slices.Equal(got, []string{"__keyevent@2__:keymiss k"}) {
		t.Errorf("EVAL_RO: %q", got)
	}
	for _, words := range [][]string{{"OBJECT|ENCODING", "OBJECT", "k"}, {"TX|REVISION", "k"}, {"KEYS", "*"}, {"RANDOMKEY"}} {
		if got := ask(words...); got != nil {
			t.Errorf("%q: %q", words, got)
		}
	}
	if got := m.st.Read(Request{Command: Lookup("GET"), Args: bulks("GET", "k")}); got.Kind != resp.Null {
		t.Errorf("a read that nobody listens to: %+v", got)
	}
}
