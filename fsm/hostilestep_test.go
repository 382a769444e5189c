package fsm

import (
	"encoding/gob"
	"fmt"
	"io"
	"os"
	"strings"
)

// A hostileStep is what is done to all states at once: a batch of commands, or
// what no node would propose.
type hostileStep struct {
	At       int64
	Seed     uint64
	DB       int
	Commands []hostileCommand
	Body     []byte // of a batch, in place of commands
	Atomic   bool   // the commands are a transaction
	Read     bool   // the first command is answered outside the log
	Restore  bool   // one state goes through a snapshot first
}

type hostileCommand struct {
	Name  string
	Args  [][]byte
	Typed []bool
}

// body returns the body of the step's batch.
func (s *hostileStep) body() []byte {
	if s.Commands == nil {
		return s.Body
	}
	g := Group{Atomic: s.Atomic}
	for _, c := range s.Commands {
		g.Add(Lookup(c.Name), c.Args, c.Typed)
	}
	return g.Append(nil, s.DB)
}

// name is what figures about the step are kept under.
func (s *hostileStep) name() string {
	switch {
	case s.Commands == nil:
		return "malformed body"
	case len(s.Commands) > 1:
		return "group of " + s.Commands[0].Name + " to " + s.Commands[len(s.Commands)-1].Name
	}
	return s.Commands[0].Name
}

// String shows the step as a person would type it.
func (s *hostileStep) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "at %d, db %d:", s.At, s.DB)
	if s.Atomic {
		b.WriteString(" (a transaction)")
	}
	if s.Read {
		b.WriteString(" (a read)")
	}
	if s.Commands == nil {
		fmt.Fprintf(&b, " body %x", s.Body)
	}
	var lines []string
	for _, c := range s.Commands {
		words := []string{c.Name}
		for _, a := range c.Args[1:] {
			words = append(words, shortened(string(a)))
		}
		short := folded(words)
		if n := len(short); n > 80 {
			short = append(append(short[:20:20], fmt.Sprintf("...(%d more)...", n-25)), short[n-5:]...)
		}
		lines = append(lines, strings.Join(short, " "))
	}
	for _, line := range folded(lines) {
		b.WriteString("\n    " + line)
	}
	return b.String()
}

// shortened quotes a word. Of a long one it shows the beginning, or what it
// repeats.
func shortened(s string) string {
	if len(s) <= 2000 {
		return fmt.Sprintf("%q", s)
	}
	for unit := 1; unit <= 32; unit++ {
		n := len(s) / unit
		if s[:n*unit] == strings.Repeat(s[:unit], n) {
			return fmt.Sprintf("%q*%d%q", s[:unit], n, s[n*unit:])
		}
	}
	return fmt.Sprintf("%q...(%d bytes)...%q", s[:1000], len(s), s[len(s)-200:])
}

// folded writes words that repeat, one to four at a time, once with a count.
func folded(words []string) (short []string) {
	for i := 0; i < len(words); {
		unit, times := 1, 1
		for u := 1; u <= 4; u++ {
			n := 1
			for i+(n+1)*u <= len(words) && sameWords(words[i:i+u], words[i+n*u:i+n*u+u]) {
				n++
			}
			if n*u > unit*times && n > 2 {
				unit, times = u, n
			}
		}
		if times > 2 {
			short = append(short, fmt.Sprintf("{%s}*%d", strings.Join(words[i:i+unit], " "), times))
		} else {
			short = append(short, words[i])
			unit, times = 1, 1
		}
		i += unit * times
	}
	return short
}

func sameWords(a, b []string) bool {
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

// A hostileJournal is a file of steps, each written before it is done, so that the
// last one is the one that ended the process.
type hostileJournal struct {
	f   *os.File
	enc *gob.Encoder
}

func (j *hostileJournal) restart() error {
	if err := j.f.Truncate(0); err != nil {
		return err
	}
	_, err := j.f.Seek(0, io.SeekStart)
	j.enc = gob.NewEncoder(j.f)
	return err
}

// readSteps reads a journal.
func readSteps(name string) (steps []hostileStep, err error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	for dec := gob.NewDecoder(f); ; {
		var s hostileStep
		if err := dec.Decode(&s); err != nil {
			if err == io.EOF {
				err = nil
			}
			return steps, err
		}
		steps = append(steps, s)
	}
}

func writeSteps(name string, steps []hostileStep) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	enc := gob.NewEncoder(f)
	for i := range steps {
		if err := enc.Encode(&steps[i]); err != nil {
			return err
		}
	}
	return nil
}
