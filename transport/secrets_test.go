package transport

import (
	"bytes"
	"strings"
	"testing"
)

func TestParseSecrets(t *testing.T) {
	long := strings.Repeat("s", 16)
	got, err := ParseSecrets("# of May\n" + long + "1\r\n\n  " + long + "2\n" + long + "1")
	if err != nil || len(got) != 2 || got[0] != Secret(long+"1") || got[1] != Secret(long+"2") {
		t.Errorf("%d secrets, %v", len(got), err)
	}
	for text, want := range map[string]string{
		"":                        "no secret in it",
		"# nothing\n":             "trivet secret",
		long + "\nhunter2\n":      "line 2 is a secret of 7 characters",
		strings.Repeat("x", 1025): "line 1 is a secret of 1025",
		many(9):                   "9 secrets: use up to 8",
		"hunter2\n" + "hunter3\n": "line 1 is a secret of 7 characters: use 16 to 1024\nline 2",
	} {
		_, err := ParseSecrets(text)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "hunter") {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	if a, b := NewSecret(), NewSecret(); a == b || len(a) != 44 {
		t.Errorf("drew secrets of %d characters", len(a))
	}
	if bytes.Equal(ourSecret.Key("a"), ourSecret.Key("b")) || bytes.Equal(ourSecret.Key("a"), otherSecret.Key("a")) {
		t.Error("keys are the same")
	}
}

func many(n int) (text string) {
	for i := range n {
		text += strings.Repeat(string(rune('a'+i)), 16) + "\n"
	}
	return text
}
