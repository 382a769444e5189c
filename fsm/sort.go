package fsm

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

var sortCommands = []Command{
	{Spec{"SORT", -2, Write | DenyOOM | MovableKeys, Keys{1, 1, 1}, "generic", "Sort a list, a set or a sorted set, and list or store the elements.", "1.0.0"}, sortKey},
	{Spec{"SORT_RO", -2, Read | MovableKeys, Keys{1, 1, 1}, "generic", "Sort a list, a set or a sorted set, and list the elements.", "7.0.0"}, sortKey},
}

var errSortScore = resp.Err("ERR One or more scores can't be converted into double")

// sortOptions are what SORT takes after its key.
type sortOptions struct {
	by, store    []byte // nil for none
	get          [][]byte
	start, count int64 // a negative count means all
	desc, alpha  bool
}

func parseSortOptions(args [][]byte, readOnly bool) (opt sortOptions, fail resp.Value) {
	opt.count = -1
	for i := 0; i < len(args); i++ {
		left := len(args) - i - 1
		switch word := args[i]; {
		case equalFold(word, "ASC"):
			opt.desc = false
		case equalFold(word, "DESC"):
			opt.desc = true
		case equalFold(word, "ALPHA"):
			opt.alpha = true
		case equalFold(word, "LIMIT") && left >= 2:
			if opt.start, opt.count, fail = parseInterval(args[i+1:]); fail.IsError() {
				return opt, fail
			}
			i += 2
		case equalFold(word, "STORE") && left >= 1 && !readOnly:
			i++
			opt.store = args[i]
		case equalFold(word, "BY") && left >= 1:
			i++
			opt.by = args[i]
		case equalFold(word, "GET") && left >= 1:
			i++
			opt.get = append(opt.get, args[i])
		default:
			return opt, errSyntax
		}
	}
	return opt, resp.Nil
}

// unsorted reports whether the elements keep their order: where all are to be
// sorted by the same.
func (opt *sortOptions) unsorted() bool { return opt.by != nil && !bytes.Contains(opt.by, []byte("*")) }

// sortKeys returns where the keys of SORT are: the first argument, and what
// follows the last STORE. Others come from patterns.
func sortKeys(args [][]byte) []int {
	at := []int{1}
	for i := 2; i < len(args); i++ {
		switch {
		case equalFold(args[i], "LIMIT"):
			i += 2
		case equalFold(args[i], "GET"), equalFold(args[i], "BY"):
			i++
		case equalFold(args[i], "STORE") && i+1 < len(args):
			at = append(at[:1], i+1)
		}
	}
	return at
}

func sortKey(tx *Tx, args [][]byte) resp.Value {
	readOnly := equalFold(args[0], "SORT_RO")
	opt, fail := parseSortOptions(args[2:], readOnly)
	if fail.IsError() {
		return fail
	}
	tx.missing(args[1])
	o := tx.get(args[1])
	if o != nil && o.kind != kindList && o.kind != kindSet && o.kind != kindZSet {
		return errWrongType
	}
	keep := opt.unsorted()
	if keep && o != nil && o.kind == kindSet && (opt.store != nil || tx.script) {
		// As in Redis, where the order of a set's members is not the same everywhere.
		keep, opt.alpha, opt.by = false, true, nil
	}
	elems := []string{}
	if o != nil {
		n := o.val.(container).size()
		from, to := opt.limits(n)
		if keep {
			elems = inOrder(tx, o, opt.desc, from, to)
		} else if elems, fail = tx.sorted(inOrder(tx, o, false, 0, n), &opt); fail.IsError() {
			return fail
		} else {
			elems = elems[from:to]
		}
	}
	if opt.store != nil {
		return tx.storeSorted(elems, &opt)
	}
	values := cost.Times(len(elems), max(1, len(opt.get)))
	room := tx.room(values)
	found := make([]resp.Value, 0, values)
	for _, elem := range elems {
		if opt.get == nil {
			found = append(found, room.str(elem))
		}
		for _, pattern := range opt.get {
			v := resp.Nil
			if s, ok := tx.substitute(pattern, elem); ok {
				v = room.str(s)
			}
			found = append(found, v)
		}
	}
	return resp.List(found...)
}

// limits returns which of n elements are wanted.
func (opt *sortOptions) limits(n int) (from, to int) {
	size := int64(n)
	start := min(max(opt.start, 0), size)
	end := size
	if opt.count >= 0 {
		end = start + min(opt.count, size-start)
	}
	return int(start), int(end)
}

// inOrder returns the elements from one place to another in their own order, or
// backwards, which makes no difference to a set.
func inOrder(tx *Tx, o *object, back bool, from, to int) []string {
	tx.charge(cost.Times(to-from, cost.Element) + cost.Lookup)
	elems := make([]string, 0, to-from)
	if from == to {
		return elems
	}
	add := func(_ int, s string) bool {
		elems = append(elems, s)
		return len(elems) < to-from
	}
	switch c := o.val.(type) {
	case *deque:
		if back {
			c.eachBack(c.n-1-from, add)
		} else {
			c.each(from, add)
		}
	case *sortedSet:
		if back {
			from, to = c.size()-to, c.size()-from
		}
		c.order.each(from, to, back, func(it scored) { elems = append(elems, it.member) })
	case *members:
		tx.charge(cost.Times(from, cost.Element))
		at := 0
		c.all(func(member string) bool {
			at++
			return at <= from || add(at, member)
		})
	}
	return elems
}

// A sortItem is an element and what it is sorted by.
type sortItem struct {
	elem   string
	score  float64 // unless ALPHA
	weight string  // of ALPHA
	absent bool    // no weight: ahead of all others
}

// sortMoves is how much more work it is to sort items, in a stable way.
const sortMoves = 2

// sorted sorts elements. All orders are of bytes, as with Redis's in the locale C.
func (tx *Tx) sorted(elems []string, opt *sortOptions) ([]string, resp.Value) {
	tx.charge(cost.Times(len(elems), cost.Push))
	items := make([]sortItem, len(elems))
	numbers, compared := true, 0
	for i, elem := range elems {
		it := sortItem{elem: elem, weight: elem}
		if opt.by != nil {
			var ok bool
			it.weight, ok = tx.substitute(opt.by, elem)
			it.absent = !ok
		}
		compared += len(it.weight)
		if !opt.alpha && !it.absent {
			tx.charge(cost.Push + cost.Made(len(it.weight)))
			var ok bool
			it.score, ok = sortScore(it.weight)
			numbers = numbers && ok
		}
		items[i] = it
	}
	if !numbers { // after a look at all, as in Redis, which tells of keys that it misses
		return nil, errSortScore
	}
	tx.charge(cost.Times(sortMoves, cost.Sort(len(items), compared)))
	order := numerically
	if opt.alpha {
		order = alphabetically
	}
	slices.SortStableFunc(items, func(a, b sortItem) int {
		if opt.desc {
			return order(&b, &a)
		}
		return order(&a, &b)
	})
	for i := range items {
		elems[i] = items[i].elem
	}
	return elems, resp.Nil
}

func numerically(a, b *sortItem) int {
	return cmp.Or(cmp.Compare(a.score, b.score), strings.Compare(a.elem, b.elem))
}

func alphabetically(a, b *sortItem) int {
	switch {
	case a.absent && b.absent:
		return 0
	case a.absent:
		return -1
	case b.absent:
		return 1
	}
	return strings.Compare(a.weight, b.weight)
}

// sortScore reads a number as C's strtod does: blanks may lead, nothing is 0, and
// a zero byte ends it.
func sortScore(s string) (float64, bool) {
	s, _, _ = strings.Cut(s, "\x00")
	if s == "" {
		return 0, true
	}
	score, fits, ok := strtod(strings.TrimLeft(s, " \t\n\v\f\r"))
	return score, fits && ok
}

// substitute returns the string at the key, or in the field of the hash at the
// key, that a pattern names with an element in the place of its star; or the
// element itself for #.
func (tx *Tx) substitute(pattern []byte, elem string) (string, bool) {
	tx.charge(cost.Element)
	if string(pattern) == "#" {
		return elem, true
	}
	tx.charge(cost.Lookup + cost.Made(2*len(pattern)+len(elem)))
	before, after, ok := strings.Cut(string(pattern), "*")
	if !ok {
		return "", false
	}
	field := ""
	if key, name, arrow := strings.Cut(after, "->"); arrow && name != "" {
		after, field = key, name
	}
	name := []byte(before + elem + after)
	tx.missing(name)
	o := tx.get(name)
	switch {
	case o == nil:
		return "", false
	case field == "":
		if !isString(o) {
			return "", false
		}
		t := o.text()
		return tx.flat(t, 0, t.len()), true
	}
	h, ok := o.val.(*fields)
	if !ok {
		return "", false
	}
	tx.charge(h.search(len(field)))
	return h.get(field)
}

// storeSorted makes the list that STORE wants, with nothing in the place of what
// a pattern does not find.
func (tx *Tx) storeSorted(elems []string, opt *sortOptions) resp.Value {
	tx.charge(cost.Times(cost.Times(len(elems), max(1, len(opt.get))), cost.Push))
	d := newDeque(tx.st.epoch)
	for _, elem := range elems {
		if opt.get == nil {
			d.pushBack(elem)
		}
		for _, pattern := range opt.get {
			s, _ := tx.substitute(pattern, elem)
			d.pushBack(s)
		}
	}
	if d.n == 0 {
		if tx.remove(opt.store) {
			tx.notifyDeleted(opt.store)
		}
		return resp.Int(0)
	}
	tx.put(opt.store, &object{kind: kindList, val: d})
	tx.notify(notifyList, "sortstore", opt.store)
	return resp.Int(int64(d.n))
}
