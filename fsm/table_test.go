package fsm

import (
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/resp"
)

func TestTable(t *testing.T) {
	for _, c := range Commands() {
		if Lookup(c.Name) != c {
			t.Errorf("%s is not found", c.Name)
		}
		if c.Run == nil {
			t.Errorf("%s has no function", c.Name)
		}
		if !strings.HasSuffix(c.Summary, ".") {
			t.Errorf("%s: the summary is no sentence", c.Name)
		}
	}
	if Lookup("NOVEL") != nil || Lookup("get") != nil {
		t.Error("what is not in the table is found")
	}
	if c := Lookup(ClassicName("GET")); c == nil || c.FullName() != "get" {
		t.Error("the classic GET is not found, or has another name")
	}
}

func TestValidSeesMistakes(t *testing.T) {
	good := Spec{"X", 2, Read, Keys{1, 1, 1}, "string", "Sums up.", "1.0.0"}
	if err := good.Valid(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Spec){
		"lower case": func(s *Spec) { s.Name = "x" },
		"no kind":    func(s *Spec) { s.Flags = Fast },
		"two kinds":  func(s *Spec) { s.Flags |= Write },
		"no arity":   func(s *Spec) { s.Arity = 0 },
		"first key":  func(s *Spec) { s.Keys.First = 2 },
		"no step":    func(s *Spec) { s.Keys.Step = 0 },
		"no group":   func(s *Spec) { s.Group = "" },
		"no summary": func(s *Spec) { s.Summary = "" },
		"no since":   func(s *Spec) { s.Since = "" },
	} {
		bad := good
		spoil(&bad)
		if bad.Valid() == nil {
			t.Errorf("%s is not seen", name)
		}
	}
}

func TestKeysOf(t *testing.T) {
	for _, tt := range []struct {
		keys Keys
		argc int
		want []int
	}{
		{Keys{}, 5, nil},
		{Keys{1, 1, 1}, 3, []int{1}},
		{Keys{1, -1, 1}, 4, []int{1, 2, 3}},
		{Keys{1, -1, 2}, 5, []int{1, 3}},
		{Keys{2, -2, 1}, 5, []int{2, 3}},
		{Keys{1, 2, 1}, 2, []int{1}},
		{Keys{1, -1, 1}, 1, nil},
	} {
		if got := tt.keys.Of(tt.argc); !slices.Equal(got, tt.want) {
			t.Errorf("%+v of %d: got %v, want %v", tt.keys, tt.argc, got, tt.want)
		}
	}
}

func TestArity(t *testing.T) {
	for arity, want := range map[int][]bool{2: {false, false, true, false}, -2: {false, false, true, true}} {
		s := Spec{Arity: arity}
		for argc, ok := range want {
			if s.ArityOK(argc) != ok {
				t.Errorf("arity %d: %d arguments: %v", arity, argc, !ok)
			}
		}
	}
}

// Every row, with as few arguments as it takes, must not panic.
func TestFewestArguments(t *testing.T) {
	for _, c := range Commands() {
		args := [][]byte{[]byte(c.Name)}
		for len(args) < max(c.Arity, -c.Arity) {
			args = append(args, nil)
		}
		newMachine(t).write(0, 0, c, args, nil)
	}
}

// Nothing here may depend on the clock, chance or the world.
func TestImports(t *testing.T) {
	allowed := []string{
		"bufio", "bytes", "cmp", "container/heap", "encoding/binary", "errors", "fmt", "hash", "hash/crc32", "runtime/debug",
		"io", "iter", "maps", "math", "math/big", "math/bits", "slices", "sort", "strconv", "strings",
		"github.com/cespare/xxhash/v2", "github.com/trivetdb/trivet/fsm/acl",
		"github.com/trivetdb/trivet/fsm/calc", "github.com/trivetdb/trivet/fsm/cost", "github.com/trivetdb/trivet/fsm/glob",
		"github.com/trivetdb/trivet/fsm/lua", "github.com/trivetdb/trivet/fsm/rdb",
		"github.com/trivetdb/trivet/resp",
	}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		for _, imp := range f.Imports {
			if path, _ := strconv.Unquote(imp.Path.Value); !slices.Contains(allowed, path) {
				t.Errorf("%s imports %s", name, path)
			}
		}
	}
}

// parseInt is as strict as Redis.
func TestParseInt(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1": 1, "-1": -1, "9223372036854775807": 1<<63 - 1, "-9223372036854775808": -1 << 63,
	} {
		if n, ok := parseInt([]byte(text)); !ok || n != want {
			t.Errorf("%q: got %d, %v", text, n, ok)
		}
	}
	for _, text := range []string{
		"", "-", "+1", "01", "-0", "-01", " 1", "1 ", "1.0", "0x1", "a", "--1",
		"9223372036854775808", "-9223372036854775809", "18446744073709551615",
		"18446744073709551616", "99999999999999999999", "184467440737095516160",
	} {
		if n, ok := parseInt([]byte(text)); ok {
			t.Errorf("%q was read as %d", text, n)
		}
	}
}

func TestErrorsAreRedis(t *testing.T) {
	if v := errArity("get"); v.Kind != resp.Error || v.Str != "ERR wrong number of arguments for 'get' command" {
		t.Errorf("got %v", v)
	}
}
