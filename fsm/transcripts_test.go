package fsm

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/trivetdb/trivet/resp"
	"github.com/trivetdb/trivet/test/transcript"
)

var rewrite = flag.Bool("rewrite", false, "write the state's replies into the transcripts")

func TestTranscripts(t *testing.T) {
	files, err := transcript.Load("testdata")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		t.Run(filepath.Base(f.Name), func(t *testing.T) {
			t.Parallel()
			if *rewrite {
				if err := play(t, f, newMachine(t).step).Save(); err != nil {
					t.Fatal(err)
				}
				return
			}
			t.Run("state", func(t *testing.T) { compare(t, f, newMachine(t).step) })
			t.Run("restored", func(t *testing.T) { compare(t, f, restoring(newMachine(t))) })
			t.Run("twins", func(t *testing.T) { compare(t, f, twins(t)) })
			t.Run("log", func(t *testing.T) { compare(t, f, newMachine(t).logged) })
		})
	}
}

// A player runs one command of a transcript.
type player func(transcript.Command) resp.Value

func play(t *testing.T, f *transcript.File, do player) *transcript.File {
	t.Helper()
	got, err := f.Run(nil, func(c transcript.Command) (resp.Value, error) {
		if row := rowOf(c); row == nil {
			return resp.Nil, fmt.Errorf("no such command")
		} else if !row.ArityOK(len(c.Args)) {
			return resp.Nil, fmt.Errorf("wrong number of arguments")
		}
		return do(c), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func compare(t *testing.T, f *transcript.File, do player) {
	t.Helper()
	if diff := f.Diff(play(t, f, do)); diff != "" {
		t.Errorf("the replies differ:\n%s", diff)
	}
}

// rowOf finds the row of a step as a node does.
func rowOf(c transcript.Command) *Command {
	if c.Classic {
		if row := Lookup(ClassicName(c.Name())); row != nil {
			return row
		}
	}
	row := Lookup(c.Name())
	if row != nil && row.Flags&Container != 0 && len(c.Args) > 1 {
		return Lookup(row.Name + "|" + upper(c.Args[1].Str))
	}
	return row
}

// argsOf returns a step's arguments, and which of them are typed.
func argsOf(c transcript.Command) (args [][]byte, typed []bool) {
	args = c.Strings()
	if rowOf(c).Flags&Typed == 0 {
		return args, nil
	}
	typed = make([]bool, len(args))
	for i, a := range c.Args {
		if a.Kind != resp.Bulk {
			args[i], typed[i] = a.Append(nil, resp.Canonical), true
		}
	}
	return args, typed
}

func (m *machine) step(c transcript.Command) resp.Value {
	args, typed := argsOf(c)
	return m.run(c.At, c.DB, rowOf(c), args, typed)
}

// logged sends reads through the log too, as within MULTI.
func (m *machine) logged(c transcript.Command) resp.Value {
	args, typed := argsOf(c)
	return m.write(c.At, c.DB, rowOf(c), args, typed)
}

// restoring takes a snapshot after each step and goes on from it.
func restoring(m *machine) player {
	return func(c transcript.Command) resp.Value {
		v := m.step(c)
		m.st = restored(m.t, m.st)
		return v
	}
}

// twins runs two states, one of which is restored at random.
func twins(t *testing.T) player {
	a, b := newMachine(t), newMachine(t)
	chance := rand.New(rand.NewPCG(1, 2))
	return func(c transcript.Command) resp.Value {
		v, w := a.step(c), b.step(c)
		if transcript.Format(v) != transcript.Format(w) {
			t.Fatalf("%s: one says %+v, the other %+v", c.Text, v, w)
		}
		if chance.IntN(3) == 0 {
			b.st = restored(t, b.st)
		}
		if !bytes.Equal(encoded(t, a.st), encoded(t, b.st)) {
			t.Fatalf("%s: the encodings differ", c.Text)
		}
		return v
	}
}
