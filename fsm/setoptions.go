package fsm

import (
	"math"
	"slices"

	"github.com/trivetdb/trivet/resp"
)

// setOptions are the options of SET and GETEX.
type setOptions struct {
	given []string // each once
	unit  string   // the option that gave a time, if any: EX, PX, EXAT or PXAT
	when  []byte   // that time
}

func (o *setOptions) has(word string) bool { return slices.Contains(o.given, word) }

// exclusive lists the options that may not come together.
var exclusive = [][]string{
	{"NX", "XX"},
	{"EX", "PX", "EXAT", "PXAT", "KEEPTTL", "PERSIST"},
}

// parseSetOptions reads EX, PX, EXAT and PXAT and the options in words, which
// take no argument. It reports whether they are well formed.
func parseSetOptions(args [][]byte, words ...string) (opt setOptions, ok bool) {
	for i := 0; i < len(args); i++ {
		word, takesTime := optionOf(args[i], words)
		if word == "" || takesTime && i+1 == len(args) || opt.clashes(word) {
			return opt, false
		}
		if !opt.has(word) {
			opt.given = append(opt.given, word)
		}
		if takesTime {
			i++
			opt.unit, opt.when = word, args[i]
		}
	}
	return opt, true
}

// deadline returns the deadline that the options give, 0 where they give none,
// or an error reply that names the command.
func (o *setOptions) deadline(tx *Tx, name string) (int64, resp.Value) {
	if o.unit == "" {
		return 0, resp.Nil
	}
	return expiry(tx, o.unit, o.when, name)
}

func optionOf(arg []byte, words []string) (word string, takesTime bool) {
	for _, w := range exclusive[1][:4] {
		if equalFold(arg, w) {
			return w, true
		}
	}
	for _, w := range words {
		if equalFold(arg, w) {
			return w, false
		}
	}
	return "", false
}

// clashes reports whether word excludes an option that was given. The same
// word twice is no clash; of two times, the last counts.
func (o *setOptions) clashes(word string) bool {
	for _, set := range exclusive {
		if !slices.Contains(set, word) {
			continue
		}
		for _, given := range o.given {
			if given != word && slices.Contains(set, given) {
				return true
			}
		}
	}
	return false
}

// expiry returns the deadline that an option such as EX and its argument
// mean, in milliseconds since 1970, or an error reply.
func expiry(tx *Tx, option string, arg []byte, name string) (int64, resp.Value) {
	n, ok := parseInt(arg)
	if !ok {
		return 0, errNotInteger
	}
	if n <= 0 {
		return 0, errExpireTime(name)
	}
	at, ok := deadlineOf(tx, n, option == "EX" || option == "EXAT", option == "EX" || option == "PX")
	if !ok {
		return 0, errExpireTime(name)
	}
	return at, resp.Nil
}

// deadlineOf computes milliseconds since 1970 from n, and whether they fit.
func deadlineOf(tx *Tx, n int64, seconds, relative bool) (int64, bool) {
	if seconds {
		if n > math.MaxInt64/1000 || n < math.MinInt64/1000 {
			return 0, false
		}
		n *= 1000
	}
	if relative {
		return addInt(n, tx.now)
	}
	return n, true
}
