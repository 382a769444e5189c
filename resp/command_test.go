package resp

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// sources are the ways in which bytes may arrive. None may change the result.
var sources = map[string]func(io.Reader) io.Reader{
	"whole":    func(r io.Reader) io.Reader { return r },
	"one byte": iotest.OneByteReader,
	"half":     iotest.HalfReader,
	"data err": iotest.DataErrReader,
}

// commands reads all commands from src. It returns them quoted, a line each, and
// the error as the last line.
func commands(src io.Reader, lim Limits) string {
	r := NewReader(src, lim)
	var out strings.Builder
	for {
		args, err := r.ReadCommand()
		if err != nil {
			fmt.Fprint(&out, err)
			return out.String()
		}
		fmt.Fprintf(&out, "%q\n", args)
	}
}

func TestReadCommand(t *testing.T) {
	big := strings.Repeat("v", 300<<10)
	many := "*5000\r\n" + strings.Repeat("$1\r\na\r\n", 5000)
	tests := []struct{ in, want string }{
		{"", "EOF"},
		{"*1\r\n$4\r\nPING\r\n", "[\"PING\"]\nEOF"},
		{"*2\r\n$4\r\nECHO\r\n$0\r\n\r\n", "[\"ECHO\" \"\"]\nEOF"},
		{"*1\r\n$4\r\n\r\n\r\n\r\n", "[\"\\r\\n\\r\\n\"]\nEOF"},
		{"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*1\r\n$4\r\nPING\r\n", "[\"GET\" \"k\"]\n[\"PING\"]\nEOF"},
		{"*1\r\n$307200\r\n" + big + "\r\nPING\r\n", "[\"" + big + "\"]\n[\"PING\"]\nEOF"},
		{many + many, strings.Repeat("["+strings.TrimSpace(strings.Repeat("\"a\" ", 5000))+"]\n", 2) + "EOF"},

		// Redis passes over requests without arguments, and is lax about ends.
		{"*-5\r\n*0\r\n*-1\r\n\r\n  \r\n PING  \n", "[\"PING\"]\nEOF"},
		{"*1\r\n$4\r\nPINGxx*1\r\n$4\r\nPING\r\n", "[\"PING\"]\n[\"PING\"]\nEOF"},
		{"*1\rx$4\rxPING\r\n", "[\"PING\"]\nEOF"},

		// Inline commands.
		{"PING\r\n", "[\"PING\"]\nEOF"},
		{"set k  v\nget\tk\r\n", "[\"set\" \"k\" \"v\"]\n[\"get\" \"k\"]\nEOF"},
		{`ECHO "a\x41\n\r\t\b\a\q\xg1\""` + "\r\n", "[\"ECHO\" \"aA\\n\\r\\t\\b\\aqxg1\\\"\"]\nEOF"},
		{`ECHO 'a\'b\n"'` + "\r\n", "[\"ECHO\" \"a'b\\\\n\\\"\"]\nEOF"},
		{"ECHO foo\"bar\" '' \"\"\r\n", "[\"ECHO\" \"foobar\" \"\" \"\"]\nEOF"},
		{"ECHO a\vb \"a\"\v\r\n", "[\"ECHO\" \"a\\vb\" \"a\"]\nEOF"},
		{`ECHO "\x4" "\x41"` + "\r\n", "[\"ECHO\" \"x4\" \"A\"]\nEOF"},
		{"\vPING\f\r\n", "[\"PING\\f\"]\nEOF"},

		// Requests cut short.
		{"*", "unexpected EOF"}, {"*1\r", "unexpected EOF"}, {"*1\r\n", "unexpected EOF"},
		{"*1\r\n$4", "unexpected EOF"}, {"*1\r\n$4\r\nPING\r", "unexpected EOF"}, {"PING", "unexpected EOF"},
	}
	for _, tt := range tests {
		for name, wrap := range sources {
			if got := commands(wrap(strings.NewReader(tt.in)), Limits{}); got != tt.want {
				t.Errorf("%.60q, %s: got %.200s, want %.200s", tt.in, name, got, tt.want)
			}
		}
	}
}

// The texts were compared with those of a Redis 7.0.15.
func TestReadCommandErrors(t *testing.T) {
	const err = "ERR Protocol error: "
	tests := []struct{ in, want string }{
		{"*9223372036854775808\r\n", err + "invalid multibulk length"},
		{"*9223372036854775807\r\n", err + "invalid multibulk length"},
		{"*1048577\r\n", err + "invalid multibulk length"},
		{"*x\r\n", err + "invalid multibulk length"},
		{"*\r\n", err + "invalid multibulk length"},
		{"*01\r\n", err + "invalid multibulk length"},
		{"*+1\r\n", err + "invalid multibulk length"},
		{"*-0\r\n", err + "invalid multibulk length"},
		{"*1\r\n$abc\r\n", err + "invalid bulk length"},
		{"*1\r\n$\r\n", err + "invalid bulk length"},
		{"*1\r\n$-1\r\n", err + "invalid bulk length"},
		{"*1\r\n$9223372036854775808\r\n", err + "invalid bulk length"},
		{"*1\r\n$67108865\r\n", err + "invalid bulk length"},
		{"*1\r\n$04\r\nPING\r\n", err + "invalid bulk length"},
		{"*1\r\n+x\r\n", err + "expected '$', got '+'"},
		{"*1\r\n+", err + "expected '$', got '+'"}, // Redis would wait for the line
		{"*1\r\n\r\n", err + "expected '$', got ' '"},
		{"*1\r\n\x80\r\n", err + "expected '$', got '\x80'"},
		{"*" + strings.Repeat("0", 1<<20), err + "too big mbulk count string"},
		{"*1\r\n$" + strings.Repeat("1", 70000), err + "too big bulk count string"},
		{strings.Repeat("0", 1<<20), err + "too big inline request"},
		{strings.Repeat("\x00", 1<<20), err + "too big inline request"},
		{"ECHO \"a\n", err + "unbalanced quotes in request"},
		{"ECHO 'a\r\n", err + "unbalanced quotes in request"},
		{"ECHO \"a\"b\r\n", err + "unbalanced quotes in request"},
		{"ECHO '\\'\r\n", err + "unbalanced quotes in request"},
		{"ECHO \"\\", "unexpected EOF"},
	}
	for _, tt := range tests {
		for name, wrap := range sources {
			if got := commands(wrap(strings.NewReader(tt.in)), DefaultLimits); got != tt.want {
				t.Errorf("%.40q, %s: got %q, want %q", tt.in, name, got, tt.want)
			}
		}
	}
}

func TestReadCommandLimits(t *testing.T) {
	lim := Limits{Bulk: 10, Args: 3, Inline: 20, Total: 50}
	tests := []struct{ in, want string }{
		{"*1\r\n$10\r\n0123456789\r\n", "[\"0123456789\"]\nEOF"},
		{"*1\r\n$11\r\n", errBulkLength.Text},
		{"*4\r\n", errMultibulkLength.Text},
		{"*3\r\n$10\r\n0123456789\r\n$10\r\n0123456789\r\n$9\r\n", errTooBig.Text},
		{strings.Repeat("a", 20) + "\n", "[\"" + strings.Repeat("a", 20) + "\"]\nEOF"},
		{strings.Repeat("a", 21) + "\n", errLongInline.Text},
	}
	for _, tt := range tests {
		if got := commands(strings.NewReader(tt.in), lim); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.in, got, tt.want)
		}
	}
}

// A protocol error stays: what follows it cannot be told from data.
func TestReadCommandBroken(t *testing.T) {
	r := NewReader(strings.NewReader("*x\r\nPING\r\n"), DefaultLimits)
	for range 2 {
		_, err := r.ReadCommand()
		var pe ProtocolError
		if !errors.As(err, &pe) || pe != errMultibulkLength {
			t.Fatalf("got %v", err)
		}
	}
	if _, err := r.ReadValue(); err != error(errMultibulkLength) {
		t.Fatalf("ReadValue: %v", err)
	}
}

// Every way of cutting a stream in two must give the same commands.
func TestReadCommandCuts(t *testing.T) {
	in := "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n*0\r\nECHO \"a b\" c\r\n\r\n*1\r\n$10\r\n0123\r\n6789\r\n"
	want := commands(strings.NewReader(in), DefaultLimits)
	for i := range len(in) {
		src := io.MultiReader(strings.NewReader(in[:i]), strings.NewReader(in[i:]))
		if got := commands(src, DefaultLimits); got != want {
			t.Fatalf("cut at %d: got %s, want %s", i, got, want)
		}
	}
}

// What one call returned may be appended to without harm to what follows.
func TestReadCommandArgsAreApart(t *testing.T) {
	r := NewReader(strings.NewReader("*2\r\n$1\r\na\r\n$1\r\nb\r\nPING\r\n"), DefaultLimits)
	args, err := r.ReadCommand()
	if err != nil {
		t.Fatal(err)
	}
	_ = append(args[0], "overwritten"...)
	if string(args[1]) != "b" {
		t.Fatalf("args = %q", args)
	}
	args, err = r.ReadCommand()
	if err != nil || !slices.Equal(args[0], []byte("PING")) {
		t.Fatalf("got %q, %v", args, err)
	}
}
