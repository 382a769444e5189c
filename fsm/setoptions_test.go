package fsm

import "testing"

// TestRepeatedSetOptions sees that a word that comes again and again is not looked at
// once more for each of the others.
func TestRepeatedSetOptions(t *testing.T) {
	var args [][]byte
	for range 1000 {
		args = append(args, bulks("nx", "EX", "1", "GET")...)
	}
	opt, ok := parseSetOptions(args, "NX", "XX", "GET", "KEEPTTL")
	if !ok || len(opt.given) != 3 || !opt.has("NX") || !opt.has("GET") || opt.unit != "EX" || string(opt.when) != "1" {
		t.Errorf("got %v, %v", opt, ok)
	}
	if _, ok := parseSetOptions(append(args, bulks("PX", "1")...), "NX", "GET"); ok {
		t.Error("EX and PX go together")
	}
}
