package fsm

import (
	"fmt"
	"slices"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// A geoQuery is what GEOSEARCH, GEORADIUS and their relatives ask for.
type geoQuery struct {
	shape      geoShape
	order      int // 1 for the nearest first, -1 for the farthest, 0 for any
	count      int64
	any        bool // the first that are found will do
	withDist   bool
	withHash   bool
	withCoord  bool
	store      []byte // a key, or nil
	event      string // that tells of what is stored
	storeDist  bool   // distances, not positions
	fromMember bool
	fromPoint  bool
	byRadius   bool
	byBox      bool
}

// A geoSyntax says which options a command takes.
type geoSyntax struct {
	search   bool // those of GEOSEARCH
	store    bool // STORE and STOREDIST with a key
	distFlag bool // STOREDIST alone
}

// parse reads the options of a command. The sorted set is that at the key, nil
// for none: then members stay unknown.
func (q *geoQuery) parse(args [][]byte, takes geoSyntax, z *sortedSet) (fail resp.Value) {
	for len(args) > 0 {
		used, fail := q.parseFlag(args, takes), resp.Nil
		if used == 0 {
			used, fail = q.parseValue(args, takes)
		}
		if used == 0 && takes.search {
			used, fail = q.parseShape(args, z)
		}
		switch {
		case fail.IsError():
			return fail
		case used == 0:
			return errSyntax
		}
		args = args[used:]
	}
	return resp.Nil
}

// parseFlag reads an option that is one word. It returns how many words it took,
// as do the next two.
func (q *geoQuery) parseFlag(args [][]byte, takes geoSyntax) int {
	switch word := args[0]; {
	case equalFold(word, "WITHDIST"):
		q.withDist = true
	case equalFold(word, "WITHHASH"):
		q.withHash = true
	case equalFold(word, "WITHCOORD"):
		q.withCoord = true
	case equalFold(word, "ANY"):
		q.any = true
	case equalFold(word, "ASC"):
		q.order = 1
	case equalFold(word, "DESC"):
		q.order = -1
	case takes.distFlag && equalFold(word, "STOREDIST"):
		q.storeDist = true
	default:
		return 0
	}
	return 1
}

func (q *geoQuery) parseValue(args [][]byte, takes geoSyntax) (used int, fail resp.Value) {
	if len(args) < 2 {
		return 0, resp.Nil
	}
	switch word := args[0]; {
	case equalFold(word, "COUNT"):
		var ok bool
		if q.count, ok = parseInt(args[1]); !ok {
			return 2, errNotInteger
		}
		if q.count <= 0 {
			return 2, errGeoCount
		}
	case takes.store && equalFold(word, "STORE"):
		q.store, q.storeDist = args[1], false
	case takes.store && equalFold(word, "STOREDIST"):
		q.store, q.storeDist = args[1], true
	default:
		return 0, resp.Nil
	}
	return 2, resp.Nil
}

func (q *geoQuery) parseShape(args [][]byte, z *sortedSet) (used int, fail resp.Value) {
	switch word, left := args[0], len(args)-1; {
	case equalFold(word, "FROMMEMBER") && left >= 1 && !q.fromPoint:
		q.fromMember = true
		return 2, q.parseMember(args[1], z)
	case equalFold(word, "FROMLONLAT") && left >= 2 && !q.fromMember:
		q.fromPoint = true
		q.shape.center, fail = parsePoint(args[1], args[2])
		return 3, fail
	case equalFold(word, "BYRADIUS") && left >= 2 && !q.byBox:
		q.byRadius = true
		return 3, q.shape.parseRadius(args[1], args[2])
	case equalFold(word, "BYBOX") && left >= 3 && !q.byRadius:
		q.byBox = true
		return 4, q.shape.parseBox(args[1], args[2], args[3])
	}
	return 0, resp.Nil
}

func (q *geoQuery) parseMember(member []byte, z *sortedSet) resp.Value {
	if z == nil {
		return resp.Nil
	}
	var ok bool
	if q.shape.center, ok = z.point(member); !ok {
		return errGeoMember
	}
	return resp.Nil
}

func (s *geoShape) parseRadius(radius, unit []byte) (fail resp.Value) {
	var ok bool
	if s.radius, ok = parseScore(radius); !ok {
		return errGeoRadius
	}
	if s.radius < 0 {
		return errGeoNegative
	}
	s.unit, fail = parseUnit(unit)
	return fail
}

func (s *geoShape) parseBox(width, height, unit []byte) (fail resp.Value) {
	var ok bool
	if s.width, ok = parseScore(width); !ok {
		return errGeoWidth
	}
	if s.height, ok = parseScore(height); !ok {
		return errGeoHeight
	}
	if s.width < 0 || s.height < 0 {
		return errGeoNegativeBox
	}
	s.box = true
	s.unit, fail = parseUnit(unit)
	return fail
}

// check reports options that do not go together.
func (q *geoQuery) check(name []byte, takes geoSyntax) resp.Value {
	q.event = "georadiusstore"
	if takes.search {
		q.event = "geosearchstore"
	}
	with := q.withDist || q.withHash || q.withCoord
	switch {
	case q.store != nil && with && takes.search:
		return errGeoStore("GEOSEARCHSTORE")
	case q.store != nil && with:
		return errGeoStore("STORE option in GEORADIUS")
	case takes.search && !q.fromMember && !q.fromPoint:
		return resp.Err(fmt.Sprintf("ERR exactly one of FROMMEMBER or FROMLONLAT can be specified for %s", name))
	case takes.search && !q.byRadius && !q.byBox:
		return resp.Err(fmt.Sprintf("ERR exactly one of BYRADIUS and BYBOX can be specified for %s", name))
	case q.any && q.count == 0:
		return errGeoAny
	}
	return resp.Nil
}

func errGeoStore(what string) resp.Value {
	return resp.Err("ERR " + what + " is not compatible with WITHDIST, WITHHASH and WITHCOORD options")
}

// run answers the query, or stores the answer.
func (q *geoQuery) run(tx *Tx, z *sortedSet) resp.Value {
	if z == nil {
		if q.store != nil {
			return storeScored(tx, q.event, q.store, nil)
		}
		return resp.List()
	}
	limit := int64(0)
	if q.any {
		limit = q.count
	}
	hits := z.search(tx, &q.shape, limit)
	order := q.order
	if order == 0 && q.count > 0 && !q.any {
		order = 1
	}
	if order != 0 {
		tx.charge(3 * cost.Sort(len(hits), 0)) // they are large
		slices.SortStableFunc(hits, func(a, b geoHit) int { return order * a.compare(b) })
	}
	if q.count > 0 {
		hits = hits[:min(q.count, int64(len(hits)))]
	}
	if q.store != nil {
		return q.keep(tx, hits)
	}
	room := tx.room(len(hits))
	replies := make([]resp.Value, 0, len(hits))
	for i := range hits {
		room.take(q.values(), len(hits[i].member))
		replies = append(replies, q.show(&hits[i]))
	}
	return resp.List(replies...)
}

func (h geoHit) compare(other geoHit) int {
	switch {
	case h.distance < other.distance:
		return -1
	case h.distance > other.distance:
		return 1
	}
	return 0
}

// keep stores the hits.
func (q *geoQuery) keep(tx *Tx, hits []geoHit) resp.Value {
	tx.charge(cost.Times(len(hits), cost.Push))
	items := make([]scored, 0, len(hits))
	for i := range hits {
		it := hits[i].scored
		if q.storeDist {
			it.score = hits[i].distance / q.shape.unit
		}
		items = append(items, it)
	}
	tx.chargeSort(items)
	slices.SortFunc(items, byOrder)
	return storeScored(tx, q.event, q.store, items)
}

// values returns how many values a hit is shown by, besides the first.
func (q *geoQuery) values() (n int) {
	for _, with := range []bool{q.withDist, q.withHash, q.withCoord, q.withCoord, q.withCoord} {
		if with {
			n++
		}
	}
	if n > 0 {
		n++
	}
	return n
}

func (q *geoQuery) show(h *geoHit) resp.Value {
	member := resp.Str(h.member)
	if !q.withDist && !q.withHash && !q.withCoord {
		return member
	}
	parts := []resp.Value{member}
	if q.withDist {
		parts = append(parts, distanceReply(h.distance/q.shape.unit))
	}
	if q.withHash {
		parts = append(parts, resp.Int(int64(h.score)))
	}
	if q.withCoord {
		parts = append(parts, h.point.reply())
	}
	return resp.List(parts...)
}

// positionsAt returns the sorted set at a key, nil where there is none.
func positionsAt(tx *Tx, key []byte) (*sortedSet, resp.Value) {
	tx.missing(key)
	z, ok, fail := view[*sortedSet](tx, key, kindZSet)
	if !ok {
		z = nil
	}
	return z, fail
}

func geoSearch(tx *Tx, args [][]byte) resp.Value {
	return searchGeo(tx, args, nil, args[1], args[2:], geoSyntax{search: true})
}

func geoSearchStore(tx *Tx, args [][]byte) resp.Value {
	return searchGeo(tx, args, args[1], args[2], args[3:], geoSyntax{search: true, distFlag: true})
}

func searchGeo(tx *Tx, args [][]byte, store, key []byte, options [][]byte, takes geoSyntax) resp.Value {
	z, fail := positionsAt(tx, key)
	if fail.IsError() {
		return fail
	}
	tx.chargeEach(options, cost.Lookup/2)
	q := geoQuery{store: store}
	if fail := q.parse(options, takes, z); fail.IsError() {
		return fail
	}
	if fail := q.check(args[0], takes); fail.IsError() {
		return fail
	}
	return q.run(tx, z)
}

func geoRadius(tx *Tx, args [][]byte) resp.Value   { return radiusGeo(tx, args, geoSyntax{store: true}) }
func geoRadiusRO(tx *Tx, args [][]byte) resp.Value { return radiusGeo(tx, args, geoSyntax{}) }

// radiusGeo is GEORADIUS and its relative that stores nothing.
func radiusGeo(tx *Tx, args [][]byte, takes geoSyntax) resp.Value {
	z, fail := positionsAt(tx, args[1])
	if fail.IsError() {
		return fail
	}
	tx.chargeEach(args[2:], cost.Lookup/2)
	var q geoQuery
	if q.shape.center, fail = parsePoint(args[2], args[3]); fail.IsError() {
		return fail
	}
	if fail := q.shape.parseRadius(args[4], args[5]); fail.IsError() {
		return fail
	}
	if fail := q.parse(args[6:], takes, z); fail.IsError() {
		return fail
	}
	if fail := q.check(args[0], takes); fail.IsError() {
		return fail
	}
	return q.run(tx, z)
}

func geoRadiusByMember(tx *Tx, args [][]byte) resp.Value {
	return memberGeo(tx, args, geoSyntax{store: true})
}

func geoRadiusByMemberRO(tx *Tx, args [][]byte) resp.Value { return memberGeo(tx, args, geoSyntax{}) }

// memberGeo is GEORADIUSBYMEMBER and its relative that stores nothing. Where
// there is no key, the radius is not looked at, as in Redis.
func memberGeo(tx *Tx, args [][]byte, takes geoSyntax) resp.Value {
	z, fail := positionsAt(tx, args[1])
	if fail.IsError() {
		return fail
	}
	tx.chargeEach(args[2:], cost.Lookup/2)
	var q geoQuery
	if z != nil {
		if fail := q.parseMember(args[2], z); fail.IsError() {
			return fail
		}
		if fail := q.shape.parseRadius(args[3], args[4]); fail.IsError() {
			return fail
		}
	}
	if fail := q.parse(args[5:], takes, z); fail.IsError() {
		return fail
	}
	if fail := q.check(args[0], takes); fail.IsError() {
		return fail
	}
	return q.run(tx, z)
}

// keyAfterStore returns the position of the key that GEORADIUS and
// GEORADIUSBYMEMBER are to store to, if any.
func keyAfterStore(args [][]byte) (at []int) {
	for i := 5; i+1 < len(args); i++ {
		if equalFold(args[i], "STORE") || equalFold(args[i], "STOREDIST") {
			i++
			at = []int{i} // the last one counts
		}
	}
	return at
}
