package transcript

import (
	"errors"
	"strings"
	"testing"

	"github.com/trivetdb/trivet/resp"
)

const sample = `# About the file.

# Words in quotes.
# unordered: why not
at 1000
db 3
SET "a b" 'c d' "\x00\n"
GET k
----
old
reply

classic SET k [1, "x", {"a": null}]
----
1
`

func TestParseKeepsTheText(t *testing.T) {
	f, err := Parse("sample", sample)
	if err != nil {
		t.Fatal(err)
	}
	if got := f.String(); got != sample {
		t.Errorf("got:\n%s\nwant:\n%s", got, sample)
	}
	b := f.Blocks[1]
	if len(b.Steps) != 4 || !b.Unordered || b.TrivetOnly || b.Line != 3 {
		t.Errorf("got %+v", b)
	}
	if args := b.Steps[2].Strings(); string(args[1]) != "a b" || string(args[2]) != "c d" || string(args[3]) != "\x00\n" {
		t.Errorf("got %q", args)
	}
}

func TestDirectivesOfTheFile(t *testing.T) {
	f, err := Parse("sample", "# trivet-only: all of it\n\nGET k\n----\n(nil)\n")
	if err != nil {
		t.Fatal(err)
	}
	if !f.Blocks[1].TrivetOnly {
		t.Error("the directive does not speak for the block")
	}
}

func TestParseErrors(t *testing.T) {
	for _, text := range []string{
		"GET k", "----\nOK", "at noon\n----\n", "db x\n----\n", "SET \"a\n----\n",
		"classic SET k [1\n----\n", "classic SET k {a}\n----\n", "classic SET k \"a\n----\n",
		"classic SET k {\"a\": 1\n----\n", "classic SET k [1 2]\n----\n", "classic SET k [\"a\n----\n",
	} {
		if _, err := Parse("bad", text); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
}

func TestRunCarriesTimeAndDatabase(t *testing.T) {
	f, err := Parse("sample", sample)
	if err != nil {
		t.Fatal(err)
	}
	var last Command
	got, err := f.Run(nil, func(c Command) (resp.Value, error) {
		last = c
		return resp.Strs("b", "a"), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if last.At != 1000 || last.DB != 3 || last.Name() != "SET" || !last.Classic {
		t.Errorf("got %+v", last)
	}
	want := "1) \"a\"\n2) \"b\"\n1) \"a\"\n2) \"b\"\n"
	if got.Blocks[1].Want != want {
		t.Errorf("got %q", got.Blocks[1].Want)
	}
	if diff := f.Diff(got); !strings.Contains(diff, "sample:3:") || !strings.Contains(diff, "sample:13:") {
		t.Errorf("got %q", diff)
	}
	if f.Blocks[1].Want != "old\nreply\n" {
		t.Error("Run changed the file")
	}
	if _, err := f.Run(nil, func(Command) (resp.Value, error) { return resp.Nil, errors.New("no") }); err == nil {
		t.Error("the error is lost")
	}
}

func TestFormat(t *testing.T) {
	long := resp.Strs(strings.Split("abcdefghij", "")...)
	long.Elems[1] = resp.List(resp.Int(1), resp.Nil)
	for _, tt := range []struct {
		v    resp.Value
		want string
	}{
		{resp.OK, "OK\n"},
		{resp.Nil, "(nil)\n"},
		{resp.Int(-7), "(integer) -7\n"},
		{resp.Err("ERR no"), "(error) ERR no\n"},
		{resp.Str("a\"\\\n\r\t\a\b\x00\xff~"), `"a\"\\\n\r\t\a\b\x00\xff~"` + "\n"},
		{resp.List(), "(empty array)\n"},
		{resp.Float(1.5), "(double) 1.5\n"},
		{resp.Truth(true), "(true)\n"},
		{resp.Dict(resp.Str("k"), resp.Int(1)), "1# \"k\" => (integer) 1\n"},
		{resp.List(resp.Str("0"), resp.Strs("a", "b")), "1) \"0\"\n2) 1) \"a\"\n   2) \"b\"\n"},
	} {
		if got := Format(tt.v); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
	lines := strings.Split(Format(long), "\n")
	if lines[0] != ` 1) "a"` || lines[1] != ` 2) 1) (integer) 1` || lines[2] != `    2) (nil)` || lines[10] != `10) "j"` {
		t.Errorf("got %q", lines)
	}
}

func TestClassicValues(t *testing.T) {
	for text, want := range map[string]string{
		`[1, "x", {"a": null}]`:     "",
		`[]`:                        "",
		`{}`:                        "",
		`{1: [[2]], "b": {"c": 3}}`: "",
		`-5`:                        "",
		`null`:                      "",
		`"5"`:                       "",
		`"a\x00\"b"`:                "",
		`abc`:                       `"abc"`,
		`{a:b,c : d}`:               `{"a": "b", "c": "d"}`,
		`[a,null,]`:                 `["a", null]`,
	} {
		if want == "" {
			want = text
		}
		args, err := parseClassic("SET k " + text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := FormatClassic(args[2]); got != want+"\n" || len(args) != 3 {
			t.Errorf("%s became %s", text, got)
		}
	}
	if got := FormatClassic(resp.Err("ERR no")); got != "(error) ERR no\n" {
		t.Errorf("got %q", got)
	}
}
