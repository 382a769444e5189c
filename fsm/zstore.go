package fsm

import (
	"math"
	"slices"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// A scoreSource is an input of ZUNION and its relatives: a sorted set, or a set,
// whose members all have the score 1.
type scoreSource struct {
	zset   *sortedSet
	set    *members // instead of zset, where it is not nil
	weight float64
}

func (s *scoreSource) size() int {
	if s.set != nil {
		return s.set.size()
	}
	return s.zset.size()
}

// text returns the number of bytes of all members.
func (s *scoreSource) text() int {
	if s.set != nil {
		return s.set.text()
	}
	return s.zset.text()
}

// search returns the steps of looking for a member of so many bytes.
func (s *scoreSource) search(n int) int {
	if s.set != nil {
		return s.set.search(n)
	}
	return cost.Lookup + cost.Read(n)
}

func (s *scoreSource) score(member string) (float64, bool) {
	if s.set != nil {
		return 1, s.set.has(member)
	}
	return s.zset.score(member)
}

// each calls do for the members until it returns false.
func (s *scoreSource) each(do func(scored) bool) {
	if s.set != nil {
		s.set.all(func(member string) bool { return do(scored{1, member}) })
		return
	}
	s.zset.scores.each(0, hashBits, func(e *entry[float64]) bool { return do(scored{e.val, e.key}) })
}

// A combination is what ZUNION and its relatives are to do.
type combination struct {
	sources []scoreSource
	add     func(a, b float64) float64 // joins two scores of a member
	scores  bool                       // in the reply
	limit   int64                      // of ZINTERCARD, 0 for none
	tx      *Tx
}

// addScores is what the sum of two scores is: infinities may cancel out.
func addScores(a, b float64) float64 {
	if sum := a + b; !math.IsNaN(sum) {
		return sum
	}
	return 0
}

// The comparisons matter where one of the scores is NaN, or both are zeros.

func minScore(a, b float64) float64 {
	if b < a {
		return b
	}
	return a
}

func maxScore(a, b float64) float64 {
	if b > a {
		return b
	}
	return a
}

func (s *scoreSource) weigh(score float64) float64 {
	if score = float64(score * s.weight); math.IsNaN(score) {
		return 0
	}
	return score
}

// combineOptions say which options a command takes.
type combineOptions struct{ weights, scores, limit bool }

// parseCombination reads the number of keys, the keys and the options.
func parseCombination(tx *Tx, name string, args [][]byte, takes combineOptions) (c combination, fail resp.Value) {
	n, ok := parseInt(args[0])
	switch {
	case !ok:
		return c, errNotInteger
	case n < 1:
		return c, errNoInput(name)
	case n > int64(len(args)-1):
		return c, errSyntax
	}
	c.add, c.tx = addScores, tx
	for _, key := range args[1 : 1+n] {
		source, fail := sourceAt(tx, key)
		if fail.IsError() {
			return c, fail
		}
		c.sources = append(c.sources, source)
	}
	return c, c.parseOptions(args[1+n:], takes)
}

func sourceAt(tx *Tx, key []byte) (scoreSource, resp.Value) {
	if tx.write && !tx.reads {
		tx.missing(key)
	}
	if o := tx.peek(key); o != nil && o.kind == kindSet {
		return scoreSource{set: o.val.(*members), weight: 1}, resp.Nil
	}
	z, fail := membersAt(tx, key)
	return scoreSource{zset: z, weight: 1}, fail
}

func (c *combination) parseOptions(args [][]byte, takes combineOptions) (fail resp.Value) {
	for len(args) > 0 {
		var ok bool
		used := 2
		switch word := args[0]; {
		case takes.weights && len(args) > len(c.sources) && equalFold(word, "WEIGHTS"):
			used = 1 + len(c.sources)
			for i := range c.sources {
				if c.sources[i].weight, ok = parseScore(args[1+i]); !ok {
					return errWeight
				}
			}
		case takes.weights && len(args) > 1 && equalFold(word, "AGGREGATE"):
			if c.add = aggregate(args[1]); c.add == nil {
				return errSyntax
			}
		case takes.scores && equalFold(word, "WITHSCORES"):
			c.scores, used = true, 1
		case takes.limit && len(args) > 1 && equalFold(word, "LIMIT"):
			if c.limit, ok = parseInt(args[1]); !ok || c.limit < 0 {
				return errLimit
			}
		default:
			return errSyntax
		}
		args = args[used:]
	}
	return resp.Nil
}

func aggregate(word []byte) func(a, b float64) float64 {
	switch {
	case equalFold(word, "SUM"):
		return addScores
	case equalFold(word, "MIN"):
		return minScore
	case equalFold(word, "MAX"):
		return maxScore
	}
	return nil
}

// bySize puts the smallest source first; the order in which scores are added
// up follows it.
func (c *combination) bySize() {
	c.tx.charge(cost.Sort(len(c.sources), 0))
	slices.SortStableFunc(c.sources, func(a, b scoreSource) int { return a.size() - b.size() })
}

func (c *combination) union() []scored {
	c.bySize()
	var items []scored
	at := map[string]int{}
	for i := range c.sources {
		s := &c.sources[i]
		c.tx.charge(cost.Times(s.size(), cost.Insert) + cost.Read(s.text()))
		s.each(func(it scored) bool {
			score := s.weigh(it.score)
			if j, ok := at[it.member]; ok {
				items[j].score = c.add(items[j].score, score)
			} else {
				at[it.member] = len(items)
				items = append(items, scored{score, it.member})
			}
			return true
		})
	}
	return items
}

// inter returns no more than limit items, where that is not 0.
func (c *combination) inter() []scored {
	c.bySize()
	var items []scored
	first := &c.sources[0]
	first.each(func(it scored) bool {
		c.tx.charge(cost.Push)
		score := first.weigh(it.score)
		for i := range c.sources[1:] {
			s := &c.sources[1+i]
			c.tx.charge(s.search(len(it.member)))
			other, ok := s.score(it.member)
			if !ok {
				return true
			}
			score = c.add(score, float64(other*s.weight)) // rounded: not fused on any machine
		}
		items = append(items, scored{score, it.member})
		return c.limit == 0 || int64(len(items)) < c.limit
	})
	return items
}

func (c *combination) diff() []scored {
	var items []scored
	c.sources[0].each(func(it scored) bool {
		c.tx.charge(cost.Push)
		for i := range c.sources[1:] {
			c.tx.charge(c.sources[1+i].search(len(it.member)))
			if _, ok := c.sources[1+i].score(it.member); ok {
				return true
			}
		}
		items = append(items, it)
		return true
	})
	return items
}

// combineScored carries out a command whose number of keys is the first of args, and
// returns the items in order.
func combineScored(tx *Tx, name string, args [][]byte, takes combineOptions, do func(*combination) []scored) (items []scored, scores bool, fail resp.Value) {
	c, fail := parseCombination(tx, name, args, takes)
	if fail.IsError() {
		return nil, false, fail
	}
	items = do(&c)
	tx.chargeSort(items)
	slices.SortFunc(items, byOrder)
	return items, c.scores, resp.Nil
}

// chargeSort counts the work of bringing items into order.
func (tx *Tx) chargeSort(items []scored) {
	tx.charge(len(items))
	n := 0
	for i := range items {
		n += len(items[i].member)
	}
	tx.charge(cost.Sort(len(items), n))
}

func listCombined(tx *Tx, name string, args [][]byte, weights bool, do func(*combination) []scored) resp.Value {
	takes := combineOptions{weights: weights, scores: true}
	items, scores, fail := combineScored(tx, name, args[1:], takes, do)
	switch {
	case fail.IsError():
		return fail
	case scores:
		tx.chargeScored(items, 2)
		return resp.Couples(couples(items)...)
	}
	tx.chargeScored(items, 1)
	return listOf(items)
}

func storeCombined(tx *Tx, name string, args [][]byte, weights bool, do func(*combination) []scored) resp.Value {
	items, _, fail := combineScored(tx, name, args[2:], combineOptions{weights: weights}, do)
	if fail.IsError() {
		return fail
	}
	return storeScored(tx, name, args[1], items)
}

func zunion(tx *Tx, args [][]byte) resp.Value {
	return listCombined(tx, "zunion", args, true, (*combination).union)
}

func zinter(tx *Tx, args [][]byte) resp.Value {
	return listCombined(tx, "zinter", args, true, (*combination).inter)
}

func zdiff(tx *Tx, args [][]byte) resp.Value {
	return listCombined(tx, "zdiff", args, false, (*combination).diff)
}

func zunionstore(tx *Tx, args [][]byte) resp.Value {
	return storeCombined(tx, "zunionstore", args, true, (*combination).union)
}

func zinterstore(tx *Tx, args [][]byte) resp.Value {
	return storeCombined(tx, "zinterstore", args, true, (*combination).inter)
}

func zdiffstore(tx *Tx, args [][]byte) resp.Value {
	return storeCombined(tx, "zdiffstore", args, false, (*combination).diff)
}

func zintercard(tx *Tx, args [][]byte) resp.Value {
	items, _, fail := combineScored(tx, "zintercard", args[1:], combineOptions{limit: true}, (*combination).inter)
	if fail.IsError() {
		return fail
	}
	return resp.Int(int64(len(items)))
}
