// Package arch keeps the packages apart: it fails on an import that
// ARCHITECTURE.md does not show.
package arch

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	root   = "../.."
	module = "github.com/trivetdb/trivet"
)

// arrows say what the packages may import of this module. A pattern that ends
// with /... means what lies below.
var arrows = []struct{ from, to []string }{
	{[]string{"cmd/trivet"}, []string{"cmd/trivet/ingest", "node", "node/..."}},
	{[]string{"cmd/trivet/ingest"}, []string{"fsm/rdb", "resp"}},
	{[]string{"node", "node/..."}, []string{"node/...", "transport", "fsm", "fsm/acl", "fsm/cost", "resp"}},
	{[]string{"fsm"}, []string{"fsm/acl", "fsm/calc", "fsm/cost", "fsm/glob", "fsm/lua", "fsm/rdb", "resp"}},
	{[]string{"fsm/acl"}, []string{"fsm/cost", "fsm/glob"}},
	{[]string{"fsm/lua"}, []string{"fsm/calc", "fsm/cost", "fsm/lua/pattern", "resp"}},
	{[]string{"fsm/calc", "fsm/cost", "fsm/glob", "fsm/lua/pattern", "fsm/rdb"}, nil},
	{[]string{"resp", "transport"}, nil},
	{[]string{"test/..."}, []string{"cmd/...", "node", "node/...", "transport", "fsm", "fsm/...", "resp", "test/..."}},
}

var stateStrangers = []string{"time", "math/rand/...", "math/rand", "sync", "sync/...", "os", "os/...", "net", "net/...", "log", "log/...", "crypto/rand", "unsafe"}

// strangers say which imports from elsewhere a package must do without, in the
// files that are no tests.
var strangers = map[string][]string{
	// What is replicated must come out the same everywhere.
	"fsm":             stateStrangers,
	"fsm/acl":         stateStrangers,
	"fsm/glob":        stateStrangers,
	"fsm/lua":         stateStrangers,
	"fsm/lua/pattern": stateStrangers,
	"fsm/calc":        stateStrangers,
	"fsm/cost":        stateStrangers,
	"fsm/rdb":         stateStrangers,
	"resp":            {"net", "net/...", "os", "os/...", "log", "log/...", "sync", "time"},
}

// owners say which packages alone may import some modules.
var owners = map[string][]string{
	"github.com/hashicorp/...": {"node", "node/..."},
	"go.etcd.io/...":           {"node/store", "test/bench/load"}, // where it is a server to compare with
	"github.com/spf13/...":     {"cmd/trivet"},
	"github.com/redis/...":     {"cmd/trivet", "cmd/trivet/ingest", "test/..."},
	"github.com/yuin/...":      {"fsm/lua"},
	"github.com/minio/...":     {"cmd/trivet"},
}

// directories that may lie at the top. Files may, too.
var directories = []string{"cmd", "node", "fsm", "resp", "transport", "deploy", "helm", "test", "docs", ".ci", ".git",
	"data"} // which git ignores: `trivet serve` makes it

// A file is a Go file of this module, and what it imports.
type file struct {
	path    string // from the root
	dir     string
	test    bool
	imports []string
}

func files(t *testing.T) (found []file) {
	t.Helper()
	err := filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && name != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "data"):
			return fs.SkipDir
		case d.IsDir() && name != root && ownModule(name):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(name, ".go"):
			return nil
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		f := file{path: filepath.ToSlash(rel), test: strings.HasSuffix(name, "_test.go")}
		f.dir = path.Dir(f.path)
		for _, i := range parsed.Imports {
			to, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			f.imports = append(f.imports, to)
		}
		found = append(found, f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// ownModule reports whether a directory is a module of its own, such as deploy:
// what it imports is its own business, and nothing here can import it.
func ownModule(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "go.mod"))
	return err == nil
}

// matches reports whether one of the patterns means name.
func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		below, ok := strings.CutSuffix(p, "...")
		return name == p || ok && strings.HasPrefix(name, below)
	})
}

// allowed reports whether a package may import another one of this module. Its
// tests may also import it and what lies in test.
func allowed(f file, to string) bool {
	for _, a := range arrows {
		if matches(a.from, f.dir) {
			return matches(a.to, to) || f.test && (to == f.dir || matches([]string{"test/..."}, to))
		}
	}
	return false
}

func TestArrows(t *testing.T) {
	all := files(t)
	if len(all) < 50 {
		t.Fatalf("only %d files found", len(all))
	}
	for _, f := range all {
		if !slices.ContainsFunc(arrows, func(a struct{ from, to []string }) bool { return matches(a.from, f.dir) }) {
			t.Errorf("%s: no package is meant to be there", f.path)
		}
		for _, i := range f.imports {
			if to, own := strings.CutPrefix(i, module+"/"); own && !allowed(f, to) {
				t.Errorf("%s: %s must not import %s", f.path, f.dir, to)
			}
		}
	}
}

func TestStrangers(t *testing.T) {
	for _, f := range files(t) {
		if f.test {
			continue
		}
		for _, i := range f.imports {
			if matches(strangers[f.dir], i) {
				t.Errorf("%s: %s must do without %s", f.path, f.dir, i)
			}
			for pattern, dirs := range owners {
				if matches([]string{pattern}, i) && !matches(dirs, f.dir) {
					t.Errorf("%s: %s is for %s alone", f.path, i, strings.Join(dirs, ", "))
				}
			}
		}
	}
}

func TestDirectories(t *testing.T) {
	found, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range found {
		if d.IsDir() && !slices.Contains(directories, d.Name()) {
			t.Errorf("%s: no such directory is meant to be at the top", d.Name())
		}
	}
}

func TestRules(t *testing.T) {
	for _, c := range []struct {
		dir, to  string
		test, ok bool
	}{
		{"cmd/trivet", "node/server", false, true},
		{"cmd/trivet", "fsm", false, false},
		{"node", "transport", false, true},
		{"node", "test/cluster", false, false},
		{"node", "test/cluster", true, true},
		{"node/server", "node", false, false},
		{"node/server", "node/web", false, true},
		{"fsm", "resp", false, true},
		{"fsm", "transport", true, false},
		{"resp", "fsm", false, false},
		{"transport", "resp", false, false},
		{"elsewhere", "resp", false, false},
	} {
		if got := allowed(file{dir: c.dir, test: c.test}, c.to); got != c.ok {
			t.Errorf("%+v: %v", c, got)
		}
	}
}
