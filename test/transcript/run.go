package transcript

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/trivetdb/trivet/resp"
)

// A Command is a step with the time and the database that earlier steps set.
type Command struct {
	*Step
	Block *Block
	At    int64 // milliseconds since 1970
	DB    int
}

// Name returns the name of the command in upper case.
func (c Command) Name() string { return strings.ToUpper(c.Args[0].Str) }

// Run runs the blocks that pick accepts, nil for all, and returns the file with
// the replies of do in the place of what was expected. Time and database carry
// on from block to block. An error ends it.
func (f *File) Run(pick func(*Block) bool, do func(Command) (resp.Value, error)) (*File, error) {
	got := &File{Name: f.Name}
	now := Command{}
	for _, b := range f.Blocks {
		copied := *b
		got.Blocks = append(got.Blocks, &copied)
		if err := now.runBlock(&copied, pick == nil || pick(b), do); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", f.Name, b.Line, err)
		}
	}
	return got, nil
}

// runBlock runs the steps of b and sets its Want. Where a block is not picked,
// the steps that set the time and the database still count.
func (c *Command) runBlock(b *Block, picked bool, do func(Command) (resp.Value, error)) error {
	var out strings.Builder
	for i := range b.Steps {
		step := &b.Steps[i]
		switch {
		case step.Kind == Clock:
			c.At = step.At
		case step.Kind == Select:
			c.DB = step.DB
		case picked:
			v, err := do(Command{Step: step, Block: b, At: c.At, DB: c.DB})
			if err != nil {
				return fmt.Errorf("%s: %w", step.Text, err)
			}
			out.WriteString(show(b, step, v))
		}
	}
	if picked {
		b.Want = out.String()
	}
	return nil
}

// show returns the text of a reply, with the types that the step's dialect,
// classic or RESP2, can say.
func show(b *Block, step *Step, v resp.Value) string {
	dialect, text := resp.RESP2, Format
	if step.Classic {
		dialect, text = resp.Classic, FormatClassic
	}
	v, _, err := resp.ParseValue(v.Append(nil, dialect), resp.NoLimits)
	if err != nil {
		return fmt.Sprintf("(no reply: %v)\n", err)
	}
	if b.Unordered {
		v = sorted(v)
	}
	return text(v)
}

// Diff returns the blocks in which got, which Run returned for f, differs from
// f; it is empty where none does.
func (f *File) Diff(got *File) string {
	var t strings.Builder
	for i, b := range f.Blocks {
		if g := got.Blocks[i]; g.Want != b.Want {
			fmt.Fprintf(&t, "%s:%d:\n%sgot:\n%s\n", f.Name, b.Line, b, g.Want)
		}
	}
	return t.String()
}

// Load reads the transcripts in a directory, sorted by name.
func Load(dir string) ([]*File, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.txt"))
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("no transcripts in %s", dir)
	}
	files := make([]*File, 0, len(names))
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			return nil, err
		}
		f, err := Parse(name, string(text))
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// Save writes the file under its name.
func (f *File) Save() error { return os.WriteFile(f.Name, []byte(f.String()), 0o644) }
