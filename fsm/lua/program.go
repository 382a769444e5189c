package lua

import (
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"
)

// source is what a script calls itself in its errors.
const source = "user_script"

// A Program is a compiled script. It never changes.
type Program struct {
	SHA      string // of the source, in hexadecimal
	ReadOnly bool   // the script says of itself that it writes nothing
	AllowOOM bool   // the script says of itself that it may grow the data past the limit
	Flagged  bool   // the script has a first line that says so, or not
	code     code
}

// SumSize is the length of a script's name.
const SumSize = 2 * sha1.Size

// Sum returns the name of a script: the SHA1 of its source, in hexadecimal.
func Sum(script string) string {
	sum := sha1.Sum([]byte(script))
	return hex.EncodeToString(sum[:])
}

// Compile compiles a script, for strict runs or for others. The error's text is for
// the client.
func Compile(script string, strict bool) (*Program, error) {
	p := &Program{SHA: Sum(script)}
	body, err := p.shebang(script)
	if err != nil {
		return nil, err
	}
	p.code.body, p.code.source = body, source
	if err = p.code.keep(strict); err != nil {
		return nil, p.wrong(err)
	}
	return p, nil
}

// Strict reports whether the script is compiled for strict runs. It can be run in
// others, too, but is compiled anew each time.
func (p *Program) Strict() bool { return p.code.strict }

// wrong tells the client of an error in the source.
func (p *Program) wrong(err error) error {
	return fmt.Errorf("ERR Error compiling script (new function): %w", err)
}

// shebang reads the first line of a script where it starts with #!, and leaves
// an empty line in its place.
func (p *Program) shebang(script string) (body string, err error) {
	if !strings.HasPrefix(script, "#!") {
		return script, nil
	}
	p.Flagged = true
	line, rest, found := strings.Cut(script, "\n")
	if !found {
		return "", errors.New("ERR Invalid script shebang")
	}
	words := strings.Fields(line)
	if words[0] != "#!lua" {
		return "", fmt.Errorf("ERR Unexpected engine in script shebang: %s", words[0])
	}
	for _, word := range words[1:] {
		flags, ok := strings.CutPrefix(word, "flags=")
		if !ok {
			return "", fmt.Errorf("ERR Unknown lua shebang option: %s", word)
		}
		for _, flag := range strings.Split(flags, ",") {
			known, ok := flagOf(flag)
			if !ok && flag != "" {
				return "", fmt.Errorf("ERR Unexpected flag in script shebang: %s", flag)
			}
			p.ReadOnly = p.ReadOnly || known == NoWrites
			p.AllowOOM = p.AllowOOM || known == AllowOOM
		}
	}
	return "\n" + rest, nil
}

// compile compiles Lua code into a function that takes the operators and
// returns the function that the code stands for.
func compile(code, name string, strict bool) (form *compiled, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%s: cannot compile: %v", name, p)
		}
	}()
	chunk, err := parse.Parse(strings.NewReader(code), name)
	if err != nil {
		return nil, compileError(err, name, 1+strings.Count(code, "\n"))
	}
	chunk, variables, err := rewrite(chunk, strict)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", name, err)
	}
	proto, err := lua.Compile(chunk, name)
	if err != nil {
		return nil, compileError(err, name, 1)
	}
	if line := clip(proto); line > 0 && strict {
		return nil, fmt.Errorf("%s:%d: function uses more than %d variables of others", name, line, maxUpvalues)
	}
	return &compiled{proto, variables}, nil
}

// compileError words an error of the parser or the compiler as Lua does. Last is
// the last line.
func compileError(err error, name string, last int) error {
	var broken *parse.Error
	if !errors.As(err, &broken) {
		var other *lua.CompileError
		if errors.As(err, &other) {
			return fmt.Errorf("%s:%d: %s", name, other.Line, other.Message)
		}
		return fmt.Errorf("%s: %s", name, strings.Join(strings.Fields(err.Error()), " "))
	}
	text, near := broken.Message, broken.Token
	switch {
	case strings.Contains(text, "unterminated"), strings.Contains(text, "multiline"):
		text, near = "unfinished string", "<eof>"
	case text == "syntax error":
		text = "unexpected symbol"
	}
	line := broken.Pos.Line
	if line == parse.EOF || near == "" {
		near = "<eof>"
	}
	if line == parse.EOF {
		line = last
	}
	return fmt.Errorf("%s:%d: %s near '%s'", name, line, text, near)
}
