package gossip

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

func TestParseKeys(t *testing.T) {
	a, b := strings.Repeat("a", 16), strings.Repeat("b", 32)
	line := func(key string) string { return base64.StdEncoding.EncodeToString([]byte(key)) + "\n" }
	keys, err := ParseKeys("# made in May\n" + line(b) + "\n  " + line(a) + line(b))
	if err != nil || len(keys) != 2 || string(keys[0]) != b || string(keys[1]) != a {
		t.Errorf("got %q, %v", keys, err)
	}
	for text, want := range map[string]string{
		"":                                  "no key in it",
		"# nothing\n":                       "no key in it",
		"hunter2!\n":                        "line 1 is no base64",
		line(a) + line("short") + "\n?\n":   "line 2 is a key of 5 bytes: use 16, 24 or 32\nline 4 is no base64",
		strings.TrimSuffix(line(a), "==\n"): "line 1 is no base64",
	} {
		if _, err := ParseKeys(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

// TestRotateKeys changes the key of two nodes, one after the other: they never
// lose each other, and a node with the old key does not find them in the end.
func TestRotateKeys(t *testing.T) {
	old, young := []byte(strings.Repeat("o", 32)), []byte(strings.Repeat("y", 16))
	a := mustStart(t, Options{ID: "a-1", Keys: [][]byte{old}})
	b := mustStart(t, Options{ID: "b-1", Join: []string{a.Addr()}, Keys: [][]byte{old}})
	eventually(t, "found each other", func() bool { return sees(a) == "b-1" && sees(b) == "a-1" })
	for i, keys := range [][][]byte{{old, young}, {young, old}, {young}} {
		for _, g := range []*Gossip{a, b} {
			if err := g.SetKeys(keys); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Second) // some probes
		}
		// News arrive, so they do understand each other.
		if err := b.SetMeta(Meta{Name: strings.Repeat("n", i+1)}); err != nil {
			t.Fatal(err)
		}
		eventually(t, "a hears of b", func() bool { return sees(a) == "b-1" && len(a.Peers()[0].Name) == i+1 })
	}
	mustStart(t, Options{ID: "c-1", Join: []string{a.Addr()}, Keys: [][]byte{old}})
	mustStart(t, Options{ID: "d-1", Join: []string{a.Addr()}})
	mustStart(t, Options{ID: "e-1", Join: []string{a.Addr()}, Keys: [][]byte{young}})
	eventually(t, "a node with the new key is found", func() bool { return sees(a) == "b-1 e-1" && sees(b) == "a-1 e-1" })
	time.Sleep(time.Second)
	if sees(a) != "b-1 e-1" || sees(b) != "a-1 e-1" {
		t.Errorf("a sees %s, b sees %s", sees(a), sees(b))
	}
	plain := mustStart(t, Options{ID: "p-1"})
	if plain.SetKeys([][]byte{young}) == nil || a.SetKeys(nil) == nil || a.SetKeys([][]byte{[]byte("short")}) == nil {
		t.Error("keys that cannot be set were set")
	}
}
