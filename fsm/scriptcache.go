package fsm

import (
	"maps"
	"slices"

	"github.com/trivetdb/trivet/fsm/lua"
	"github.com/trivetdb/trivet/resp"
)

// maxEvaluated is how many scripts are remembered that only EVAL brought: those
// that were used last. What SCRIPT LOAD brought is kept. Redis 7.4 does so too.
const maxEvaluated = 500

// What scripts and libraries take besides their source, in bytes: a byte of source
// becomes some ten bytes of code, or fifty at worst.
const (
	codeOverhead = 2048
	codePerByte  = 32
)

// maxScriptBytes bounds what the scripts take that are remembered, and what the
// libraries of functions take: two megabytes of source each. It holds from
// LevelBounds on.
const maxScriptBytes = 64 << 20

var errScriptsFull = resp.Err("OOM scripts take too much memory: SCRIPT FLUSH forgets them")

// codeBytes estimates what a script or a library takes.
func codeBytes(source string) int { return codeOverhead + codePerByte*len(source) }

// scripts are what the cluster remembers, on every node the same.
type scripts struct {
	bySHA     map[string]script
	bytes     int    // of all of them, by codeBytes
	loaded    int    // of those that are kept for good
	uses      uint64 // counts what is written to used
	evaluated int    // scripts that may be forgotten
}

// A script is one that was loaded or evaluated.
type script struct {
	body    string
	loaded  bool         // by SCRIPT LOAD
	used    uint64       // when it was used last
	program *lua.Program // nil while it was not used since a snapshot was restored
}

// body returns a script's source.
func (s *scripts) body(sha string) (string, bool) {
	known, ok := s.bySHA[sha]
	return known.body, ok
}

// compile returns the program of a script, whose name is sha, and remembers
// nothing: reads run together.
func (s *scripts) compile(sha, body string) (*lua.Program, error) {
	if known := s.bySHA[sha]; known.program != nil && known.program.Strict() {
		return known.program, nil
	}
	return lua.Compile(body, true)
}

// remember returns the program of a script, whose name is sha. It counts as used
// now. Bounded says that there is a bound in bytes. What it changes it notes in u.
func (s *scripts) remember(u *undo, sha, body string, load, bounded bool) (*lua.Program, error) {
	known, ok := s.bySHA[sha]
	was, kept := *s, known
	if known.program == nil || known.program.Strict() != bounded {
		var err error
		if known.program, err = lua.Compile(body, bounded); err != nil {
			return nil, err
		}
	}
	u.other(func() {
		s.bytes, s.loaded, s.uses, s.evaluated = was.bytes, was.loaded, was.uses, was.evaluated
		if ok {
			s.bySHA[sha] = kept
		} else {
			delete(s.bySHA, sha)
		}
	})
	if !ok {
		s.bytes += codeBytes(body)
	}
	if load && !known.loaded {
		s.loaded += codeBytes(body)
	}
	switch {
	case !ok && !load:
		s.evaluated++
	case ok && load && !known.loaded:
		s.evaluated--
	}
	if s.bySHA == nil {
		s.bySHA = map[string]script{}
	}
	s.uses++
	known.body, known.used = body, s.uses
	known.loaded = known.loaded || load
	s.bySHA[sha] = known
	for s.evaluated > maxEvaluated || bounded && s.evaluated > 0 && s.bytes > maxScriptBytes {
		s.forget(u)
	}
	return known.program, nil
}

// load remembers a script for good, unless what was loaded takes too much.
func (s *scripts) load(u *undo, sha, body string, bounded bool) (fail resp.Value) {
	if bounded && !s.bySHA[sha].loaded && s.loaded+codeBytes(body) > maxScriptBytes {
		return errScriptsFull
	}
	if _, err := s.remember(u, sha, body, true, bounded); err != nil {
		return resp.Err(err.Error())
	}
	return resp.Nil
}

// forget drops the script that was evaluated longest ago.
func (s *scripts) forget(u *undo) {
	oldest, at := "", s.uses+1
	for sha, known := range s.bySHA {
		if !known.loaded && known.used < at { // no two are equal
			oldest, at = sha, known.used
		}
	}
	gone := s.bySHA[oldest]
	u.other(func() { s.bySHA[oldest] = gone })
	s.bytes -= codeBytes(gone.body)
	delete(s.bySHA, oldest)
	s.evaluated--
}

// clone returns scripts that stay as they are while s goes on.
func (s *scripts) clone() scripts {
	return scripts{bySHA: maps.Clone(s.bySHA), bytes: s.bytes, loaded: s.loaded, uses: s.uses, evaluated: s.evaluated}
}

// scripts writes what is remembered, behind a byte that no database has, where
// there is or was anything.
func (e *encoder) scripts(s *scripts) {
	if s.uses == 0 {
		return
	}
	e.byte(scriptsMark)
	e.uvarint(s.uses)
	e.uvarint(uint64(len(s.bySHA)))
	for _, sha := range slices.Sorted(maps.Keys(s.bySHA)) {
		known := s.bySHA[sha]
		e.string(known.body)
		e.uvarint(known.used)
		if known.loaded {
			e.byte(1)
		} else {
			e.byte(0)
		}
	}
}

func (d *stateReader) scripts(s *scripts) {
	if s.uses > 0 {
		d.fail("second list of scripts")
	}
	if s.uses = d.uvarint(); s.uses == 0 {
		d.fail("list of scripts that were never used")
	}
	s.bySHA = map[string]script{}
	taken := map[uint64]bool{}
	for n := d.uvarint(); n > 0 && d.err == nil; n-- {
		known := script{body: d.string(), used: d.uvarint()}
		loaded := d.byte()
		if known.used == 0 || known.used > s.uses || taken[known.used] || loaded > 1 {
			d.fail("script of another time")
		}
		if known.loaded = loaded == 1; known.loaded {
			s.loaded += codeBytes(known.body)
		} else {
			s.evaluated++
		}
		taken[known.used] = true
		s.bySHA[lua.Sum(known.body)] = known
		s.bytes += codeBytes(known.body)
	}
	if s.evaluated > maxEvaluated || len(s.bySHA) != len(taken) {
		d.fail("list of scripts that is wrong")
	}
}
