package lua

import (
	"errors"
	"fmt"
	"strings"
)

// librarySource is what the functions of libraries are called in errors.
const librarySource = "user_function"

// loadBudget is how much work the code of a library may do besides its
// functions. It is little, for it is done again at each call.
const loadBudget = Budget / 100

// A Library is compiled code that registers functions. It changes only in Prepare.
//
// Its code runs from the start at each call of one of its functions. In Redis it
// runs once, and its local variables live on: what a function leaves in them the
// next call finds. Here it finds them as they were when the library was loaded,
// for a node that was restored from a snapshot could not know them otherwise.
type Library struct {
	Name      string
	Code      string     // the first line included
	Functions []Function // as they were registered
	code      code
}

// A Function of a library can be called by its name, in any case.
type Function struct {
	Name        string
	Description string
	Described   bool
	Flags       Flags
}

// Flags are what a script or a function says of itself.
type Flags uint8

// The flags that make a difference here.
const (
	NoWrites Flags = 1 << iota
	AllowOOM
)

// flagNames are in the order of their bits, and of Redis's replies.
var flagNames = []string{"no-writes", "allow-oom", "allow-stale", "no-cluster", "allow-cross-slot-keys"}

// Names returns Redis's names of the flags that are set.
func (f Flags) Names() []string {
	names := []string{}
	for i, name := range flagNames {
		if f>>i&1 == 1 {
			names = append(names, name)
		}
	}
	return names
}

// flagOf returns the flag called name.
func flagOf(name string) (Flags, bool) {
	for i, known := range flagNames {
		if name == known {
			return 1 << i, true
		}
	}
	return 0, false
}

// Prepare compiles the library for strict runs, or for others, where it was not.
// Nobody may use it meanwhile.
func (l *Library) Prepare(strict bool) error {
	if l.code.strict == strict && l.code.form != nil {
		return nil
	}
	if err := l.code.keep(strict); err != nil {
		return l.wrong(err)
	}
	return nil
}

// wrong tells the client of an error in the source.
func (l *Library) wrong(err error) error { return fmt.Errorf("ERR Error compiling function: %w", err) }

// Load compiles the code of a library and finds the functions that it registers.
// The error's text is for the client. The machine's meter is exhausted where that
// took too much.
func (m *Machine) Load(code string) (*Library, error) {
	l := &Library{Code: code}
	body, err := l.metadata()
	if err != nil {
		return nil, err
	}
	l.code.body, l.code.source = body, librarySource
	strict := m.Meter != nil
	if err := l.Prepare(strict); err != nil {
		return nil, err
	}
	form := l.code.form
	r := m.newRun(form.names, librarySource, nil)
	r.budget, r.left = min(loadBudget, r.left), min(loadBudget, r.left)
	r.granted = r.left
	r.loading = &registry{}
	L := m.begin(r, nil, nil)
	fault := r.chunk(L, form.proto)
	if strict {
		r.meter.Spend(stepScale * (r.granted - max(r.left, 0)))
	}
	switch {
	case r.broken != nil:
		panic(r.broken)
	case r.left < 0:
		return nil, errors.New("ERR Error registering functions: ERR FUNCTION LOAD timeout")
	case fault != nil:
		return nil, errors.New(status("ERR Error registering functions: " + r.errorText(fault)))
	}
	m.end(r, L)
	if l.Functions = r.loading.functions; len(l.Functions) == 0 {
		return nil, errors.New("ERR No functions registered")
	}
	return l, nil
}

const errLibraryName = "ERR Library names can only contain letters, numbers, or underscores(_) and must be at least one character long"

// metadata reads the first line, such as "#!lua name=mylib", and returns the code
// with an empty line in its place.
func (l *Library) metadata() (body string, err error) {
	if !strings.HasPrefix(l.Code, "#!") {
		return "", errors.New("ERR Missing library metadata")
	}
	line, rest, found := strings.Cut(l.Code, "\n")
	words, ok := splitWords(line)
	if !found || !ok {
		return "", errors.New("ERR Invalid library metadata")
	}
	named := false
	for _, word := range words[1:] {
		const key = "name="
		switch {
		case len(word) < len(key) || !strings.EqualFold(word[:len(key)], key):
			return "", fmt.Errorf("ERR Invalid metadata value given: %s", status(word))
		case named:
			return "", errors.New("ERR Invalid metadata value, name argument was given multiple times")
		}
		l.Name, named = word[len(key):], true
	}
	switch engine := words[0][len("#!"):]; {
	case !named:
		return "", errors.New("ERR Library name was not given")
	case !goodName(l.Name):
		return "", errors.New(errLibraryName)
	case !strings.EqualFold(engine, "lua"):
		return "", fmt.Errorf("ERR Engine '%s' not found", status(engine))
	}
	return "\n" + rest, nil
}

// goodName reports whether a library or a function may be called so.
func goodName(name string) bool {
	for _, c := range []byte(name) {
		if c != '_' && (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return name != ""
}

// splitWords splits a line at white space. A word may lie in quotes, which must
// be closed and have nothing behind them.
func splitWords(line string) (words []string, ok bool) {
	const space = " \t\r\v\f"
	for line = strings.TrimLeft(line, space); line != ""; line = strings.TrimLeft(line, space) {
		var word strings.Builder
		for line != "" && !strings.ContainsRune(space, rune(line[0])) {
			quote := line[0]
			if quote != '"' && quote != '\'' {
				word.WriteByte(quote)
				line = line[1:]
				continue
			}
			inside, rest, closed := strings.Cut(line[1:], string(quote))
			if !closed || rest != "" && !strings.ContainsRune(space, rune(rest[0])) {
				return nil, false
			}
			word.WriteString(inside)
			line = rest
		}
		words = append(words, word.String())
	}
	return words, len(words) > 0
}
