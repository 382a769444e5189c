package transcript

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/trivetdb/trivet/resp"
)

var errUnfinished = errors.New("a value is not finished")

// parseClassic splits a command of the classic dialect. An argument is a value
// as in JSON, of integers only, with escapes as in redis-cli; what looks like
// none is a string.
func parseClassic(line string) ([]resp.Value, error) {
	p := &classicParser{rest: line}
	var args []resp.Value
	for p.skip(); p.rest != ""; p.skip() {
		v, err := p.value(" ")
		if err != nil {
			return nil, err
		}
		args = append(args, v)
	}
	return args, nil
}

type classicParser struct{ rest string }

func (p *classicParser) skip() { p.rest = strings.TrimLeft(p.rest, " ") }

// take reports whether s comes next, and goes past it.
func (p *classicParser) take(s string) bool {
	rest, ok := strings.CutPrefix(p.rest, s)
	if ok {
		p.rest = rest
	}
	return ok
}

// value reads a value; one without quotes or brackets ends before a byte of
// ends.
func (p *classicParser) value(ends string) (resp.Value, error) {
	switch {
	case p.take("["):
		elems := []resp.Value{}
		err := p.elems("]", func() error {
			v, err := p.value(" ,]")
			elems = append(elems, v)
			return err
		})
		return resp.List(elems...), err
	case p.take("{"):
		return p.dict()
	case strings.HasPrefix(p.rest, `"`):
		return p.quoted()
	}
	end := strings.IndexAny(p.rest, ends)
	if end < 0 {
		end = len(p.rest)
	}
	word := p.rest[:end]
	p.rest = p.rest[end:]
	if word == "null" {
		return resp.Nil, nil
	}
	if n, err := strconv.ParseInt(word, 10, 64); err == nil {
		return resp.Int(n), nil
	}
	return resp.Str(word), nil
}

func (p *classicParser) dict() (resp.Value, error) {
	var pairs []resp.Value
	err := p.elems("}", func() error {
		key, err := p.value(" :,}")
		if err != nil {
			return err
		}
		if p.skip(); !p.take(":") {
			return fmt.Errorf("no : after a key: %w", errUnfinished)
		}
		p.skip()
		v, err := p.value(" ,}")
		pairs = append(pairs, key, v)
		return err
	})
	return resp.Dict(pairs...), err
}

// elems calls one for each of the elements that stand before end.
func (p *classicParser) elems(end string, one func() error) error {
	for p.skip(); !p.take(end); p.skip() {
		if p.rest == "" {
			return errUnfinished
		}
		if err := one(); err != nil {
			return err
		}
		if p.skip(); !p.take(",") && !strings.HasPrefix(p.rest, end) {
			return errUnfinished
		}
	}
	return nil
}

func (p *classicParser) quoted() (resp.Value, error) {
	for i := 1; i < len(p.rest); i++ {
		switch p.rest[i] {
		case '\\':
			i++
		case '"':
			words, err := splitArgs(p.rest[:i+1])
			if err != nil {
				return resp.Nil, err
			}
			p.rest = p.rest[i+1:]
			return words[0], nil
		}
	}
	return resp.Nil, errUnfinished
}

// FormatClassic returns v as a classic step writes it, with the end of the
// line.
func FormatClassic(v resp.Value) string {
	if v.IsError() {
		return "(error) " + v.Str + "\n"
	}
	return string(appendClassic(nil, v)) + "\n"
}

func appendClassic(t []byte, v resp.Value) []byte {
	switch v.Kind {
	case resp.Null, resp.NullArray:
		return append(t, "null"...)
	case resp.Integer:
		return strconv.AppendInt(t, v.Int, 10)
	case resp.Bulk, resp.Simple, resp.Error:
		return append(t, Quote(v.Str)...)
	case resp.Double:
		return resp.AppendFloat(t, v.Float())
	}
	open, shut := "[", "]"
	if v.Kind == resp.Map {
		open, shut = "{", "}"
	}
	t = append(t, open...)
	for i, e := range v.Elems {
		switch {
		case i == 0:
		case v.Kind == resp.Map && i%2 == 1:
			t = append(t, ": "...)
		default:
			t = append(t, ", "...)
		}
		t = appendClassic(t, e)
	}
	return append(t, shut...)
}
