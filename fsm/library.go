package fsm

import (
	"slices"
	"strings"

	"github.com/trivetdb/trivet/fsm/lua"
	"github.com/trivetdb/trivet/resp"
)

// functions are the libraries that all nodes have. What a value of this type
// holds is never changed: a change makes another, so that a frozen view and
// reads keep theirs.
type functions struct {
	libraries []*lua.Library      // by name
	byName    map[string]function // by the name in lower case
	bytes     int                 // of all libraries
}

// A function is found by its name.
type function struct {
	*lua.Function
	library *lua.Library
}

func (f *functions) find(name string) (function, bool) {
	found, ok := f.byName[strings.ToLower(name)]
	return found, ok
}

func compareLibrary(l *lua.Library, name string) int { return strings.Compare(l.Name, name) }

func (f *functions) has(name string) bool {
	_, ok := slices.BinarySearchFunc(f.libraries, name, compareLibrary)
	return ok
}

// index adds a library whose name is new. Clash is the name of a function that
// another library has.
func (f *functions) index(l *lua.Library) (clash string) {
	if f.byName == nil {
		f.byName = map[string]function{}
	}
	for i := range l.Functions {
		name := strings.ToLower(l.Functions[i].Name)
		switch known, ok := f.byName[name]; {
		case !ok:
			f.byName[name] = function{&l.Functions[i], l}
		case known.library != l: // within a library, the first is found
			return l.Functions[i].Name
		}
	}
	at, _ := slices.BinarySearchFunc(f.libraries, l.Name, compareLibrary)
	f.libraries = slices.Insert(f.libraries, at, l)
	f.bytes += libraryBytes(l)
	return ""
}

// libraryBytes estimates what a library takes.
func libraryBytes(l *lua.Library) int {
	n := codeBytes(l.Code)
	for i := range l.Functions {
		n += functionOverhead + 2*len(l.Functions[i].Name) + len(l.Functions[i].Description)
	}
	return n
}

// functionOverhead is what a function takes besides its name and its description.
const functionOverhead = 200

var errLibrariesFull = resp.Err("OOM libraries of functions take too much memory: FUNCTION DELETE and FUNCTION FLUSH delete them")

// replaceFunctions makes next the libraries, unless they take too much.
func (tx *Tx) replaceFunctions(next functions) (fail resp.Value) {
	if now := &tx.st.functions; tx.bounded() && next.bytes > max(maxScriptBytes, now.bytes) {
		return errLibrariesFull
	}
	tx.st.functions = next
	return resp.Nil
}

// loadLibrary compiles a library and runs its code, which counts as the command's
// work.
func (tx *Tx) loadLibrary(code string) (*lua.Library, error) {
	m := &tx.st.machine
	if tx.bounded() {
		tx.charge(lua.CompileCost(code))
		m.Meter = &tx.meter
		defer func() { m.Meter = nil }()
	}
	return m.Load(code)
}

// without returns functions that lack some libraries.
func (f *functions) without(names ...string) (left functions) {
	named := make(map[string]bool, len(names))
	for _, n := range names {
		named[n] = true
	}
	for _, l := range f.libraries {
		if !named[l.Name] {
			left.index(l)
		}
	}
	return left
}

// add takes all of some libraries, or none of them.
func (f *functions) add(replace bool, more ...*lua.Library) (fail resp.Value) {
	next := f.without()
	if replace {
		names := make([]string, 0, len(more))
		for _, l := range more {
			names = append(names, l.Name)
		}
		next = f.without(names...)
	}
	for _, l := range more {
		if next.has(l.Name) {
			return resp.Err("ERR Library " + l.Name + " already exists")
		}
		if clash := next.index(l); clash != "" {
			return resp.Err("ERR Function " + clash + " already exists")
		}
	}
	*f = next
	return resp.Nil
}

// functions writes the code of the libraries, behind a byte that no database has,
// where there are any.
func (e *encoder) functions(f *functions) {
	if len(f.libraries) == 0 {
		return
	}
	e.byte(functionsMark)
	e.uvarint(uint64(len(f.libraries)))
	for _, l := range f.libraries {
		e.string(l.Code)
	}
}

func (d *stateReader) functions(s *State) {
	if len(s.functions.libraries) > 0 {
		d.fail("second list of libraries")
	}
	last := ""
	for n := d.uvarint(); n > 0 && d.err == nil; n-- {
		code := d.string()
		if d.err != nil {
			return
		}
		l, err := s.machine.Load(code)
		if err != nil || l.Name <= last || s.functions.index(l) != "" {
			d.fail("library that cannot be loaded")
			return
		}
		last = l.Name
	}
	if len(s.functions.libraries) == 0 {
		d.fail("list of no libraries")
	}
}
