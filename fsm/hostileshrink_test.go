package fsm

import (
	"bytes"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// hostileShrinking bounds how long a failure is made smaller.
const hostileShrinking = 3 * time.Minute

// A shrinker leaves out of steps what a failure does not need.
type shrinker struct {
	r    *hostileRun
	kind string
	end  time.Time
}

// shrink returns as few steps as fail in the same way. The last one is what failed.
func (r *hostileRun) shrink(steps []hostileStep, kind string) []hostileStep {
	s := &shrinker{r, kind, time.Now().Add(hostileShrinking)}
	if flat := flattened(steps); s.fails(flat) {
		steps = flat
	}
	last := len(steps) - 1
	steps = append(s.fewer(steps[:last], func(some []hostileStep) []hostileStep {
		return append(slices.Clone(some), steps[last])
	}), steps[last])
	last = len(steps) - 1
	with := func(commands []hostileCommand) []hostileStep {
		all := slices.Clone(steps)
		all[last].Commands = commands
		return all
	}
	if commands := steps[last].Commands; len(commands) > 1 {
		steps[last].Commands = fewer(s, commands, with)
	}
	for i := range steps[last].Commands {
		c := steps[last].Commands[i]
		if source := 1; len(c.Args) > 2 && (Lookup(c.Name).Group == "scripting" || c.Name == "TX|AS") {
			switch {
			case c.Name == "TX|AS":
				source = 3
			case strings.Contains(c.Name, "|"):
				source = len(c.Args) - 1
			}
			lines := bytes.SplitAfter(c.Args[source], []byte("\n"))
			s.put(c, source, fewer(s, lines[1:], func(some [][]byte) []hostileStep {
				commands := slices.Clone(steps[last].Commands)
				commands[i].Args = slices.Clone(c.Args)
				s.put(commands[i], source, some, lines[0])
				return with(commands)
			}), lines[0])
			continue
		}
		row := Lookup(c.Name)
		fixed := max(row.Arity, -row.Arity)
		if row.Arity > 0 || c.Typed != nil || len(c.Args) <= fixed {
			continue
		}
		tail := fewer(s, c.Args[fixed:], func(args [][]byte) []hostileStep {
			commands := slices.Clone(steps[last].Commands)
			commands[i].Args = append(slices.Clone(c.Args[:fixed]), args...)
			return with(commands)
		})
		steps[last].Commands[i].Args = append(slices.Clone(c.Args[:fixed]), tail...)
	}
	return steps
}

// flattened returns steps of one command each, but for the last.
func flattened(steps []hostileStep) (flat []hostileStep) {
	for i, s := range steps {
		if i == len(steps)-1 || len(s.Commands) < 2 || len(s.Commands) > 50 {
			flat = append(flat, s)
			continue
		}
		for _, c := range s.Commands {
			one := s
			one.Commands, one.Atomic = []hostileCommand{c}, false
			flat = append(flat, one)
		}
	}
	return flat
}

// put makes argument at of a command, a script, of its first line and others.
func (s *shrinker) put(c hostileCommand, at int, lines [][]byte, first []byte) {
	c.Args[at] = append(slices.Clone(first), bytes.Join(lines, nil)...)
}

// fails reports whether steps fail as they are to.
func (s *shrinker) fails(steps []hostileStep) bool {
	if time.Now().After(s.end) {
		return false
	}
	name := filepath.Join(s.r.dir, "try")
	if writeSteps(name, steps) != nil {
		return false
	}
	was := s.r.total
	defer func() { s.r.total = was }()
	return kindOf(s.r.child(hostileTask{Replay: name, Stuck: hostileCPU}).failure) == s.kind
}

func (s *shrinker) fewer(steps []hostileStep, whole func([]hostileStep) []hostileStep) []hostileStep {
	return fewer(s, steps, whole)
}

// fewer returns as few of the items as fail, where whole makes steps of them.
func fewer[T any](s *shrinker, items []T, whole func([]T) []hostileStep) []T {
	if len(items) == 0 || s.fails(whole(nil)) {
		return nil
	}
	for i := range items {
		if one := items[i : i+1 : i+1]; len(items) <= 16 && s.fails(whole(one)) {
			return one
		}
	}
	for chunk := (len(items) + 1) / 2; chunk > 0; chunk /= 2 {
		for at := 0; at < len(items); {
			without := slices.Delete(slices.Clone(items), at, min(at+chunk, len(items)))
			if s.fails(whole(without)) {
				items = without
			} else {
				at += chunk
			}
			if time.Now().After(s.end) {
				return items
			}
		}
	}
	return items
}
