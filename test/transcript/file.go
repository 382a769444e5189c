package transcript

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/trivetdb/trivet/resp"
)

// A File is a transcript.
type File struct {
	Name   string
	Blocks []*Block
}

// A Block is some steps and the output that they cause. The directives are
// comment lines:
//
//	# trivet-only: why    real Redis answers something else, or cannot run it
//	# clock: why          the output depends on the time set with at
//	# unordered: why      the elements of replies are sorted
type Block struct {
	Line     int      // where it starts
	Comments []string // with their # signs
	Steps    []Step
	Want     string // lines, each with its end

	TrivetOnly, Clock, Unordered bool
}

// A Step is a line before ----.
type Step struct {
	Text    string
	At      int64        // for a Clock step
	DB      int          // for a Select step
	Args    []resp.Value // for a Run or Classic step; the name comes first
	Kind    StepKind
	Classic bool // Args keep their types, and the reply is shown with its type
}

// A StepKind says what a step does.
type StepKind uint8

// The kinds of steps.
const (
	Run    StepKind = iota // sends a command
	Clock                  // sets the time
	Select                 // selects a database
)

const divider = "----"

// Parse reads a transcript. Name is for messages.
func Parse(name, text string) (*File, error) {
	f := &File{Name: name}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		from := i
		for i < len(lines) && lines[i] != "" {
			i++
		}
		b, err := parseBlock(lines[from:i])
		if err != nil {
			return nil, fmt.Errorf("%s: block at line %d: %w", name, from+1, err)
		}
		b.Line = from + 1
		f.Blocks = append(f.Blocks, b)
	}
	f.inherit()
	return f, nil
}

// inherit gives the directives at the head of the file to all blocks.
func (f *File) inherit() {
	if len(f.Blocks) == 0 || len(f.Blocks[0].Steps) > 0 {
		return
	}
	head := f.Blocks[0]
	for _, b := range f.Blocks[1:] {
		b.TrivetOnly = b.TrivetOnly || head.TrivetOnly
		b.Clock = b.Clock || head.Clock
		b.Unordered = b.Unordered || head.Unordered
	}
}

func parseBlock(lines []string) (*Block, error) {
	b := &Block{}
	for len(lines) > 0 && strings.HasPrefix(lines[0], "#") {
		b.Comments = append(b.Comments, lines[0])
		b.direct(lines[0])
		lines = lines[1:]
	}
	for len(lines) > 0 && lines[0] != divider {
		step, err := parseStep(lines[0])
		if err != nil {
			return nil, fmt.Errorf("step %q: %w", lines[0], err)
		}
		b.Steps = append(b.Steps, step)
		lines = lines[1:]
	}
	switch {
	case len(lines) > 0 && len(b.Steps) == 0:
		return nil, fmt.Errorf("no steps before %s", divider)
	case len(lines) > 0:
		b.Want = strings.Join(append(lines[1:], ""), "\n")
	case len(b.Steps) > 0:
		return nil, fmt.Errorf("no %s", divider)
	}
	return b, nil
}

func (b *Block) direct(comment string) {
	word, _, _ := strings.Cut(strings.TrimPrefix(comment, "# "), ":")
	switch word {
	case "trivet-only":
		b.TrivetOnly = true
	case "clock":
		b.Clock = true
	case "unordered":
		b.Unordered = true
	}
}

func parseStep(line string) (Step, error) {
	s := Step{Text: line}
	word, rest, _ := strings.Cut(line, " ")
	var err error
	switch word {
	case "at":
		s.Kind = Clock
		s.At, err = strconv.ParseInt(rest, 10, 64)
	case "db":
		s.Kind = Select
		s.DB, err = strconv.Atoi(rest)
	case "classic":
		s.Classic = true
		s.Args, err = parseClassic(rest)
	default:
		s.Args, err = splitArgs(line)
	}
	return s, err
}

// splitArgs splits a command as redis-cli does.
func splitArgs(line string) ([]resp.Value, error) {
	src := io.MultiReader(strings.NewReader(line), bytes.NewReader([]byte("\r\n")))
	words, err := resp.NewReader(src, resp.NoLimits).ReadCommand()
	if err != nil {
		return nil, err
	}
	args := make([]resp.Value, 0, len(words))
	for _, w := range words {
		args = append(args, resp.Str(string(w)))
	}
	return args, nil
}

// Strings returns the arguments of a command that is not classic.
func (s *Step) Strings() [][]byte {
	args := make([][]byte, 0, len(s.Args))
	for _, a := range s.Args {
		args = append(args, []byte(a.Str))
	}
	return args
}

// String returns the text of the file.
func (f *File) String() string {
	texts := make([]string, 0, len(f.Blocks))
	for _, b := range f.Blocks {
		texts = append(texts, b.String())
	}
	return strings.Join(texts, "\n")
}

// String returns the text of the block.
func (b *Block) String() string {
	var t strings.Builder
	for _, c := range b.Comments {
		fmt.Fprintln(&t, c)
	}
	for _, s := range b.Steps {
		fmt.Fprintln(&t, s.Text)
	}
	if len(b.Steps) > 0 {
		fmt.Fprintln(&t, divider)
	}
	t.WriteString(b.Want)
	return t.String()
}
