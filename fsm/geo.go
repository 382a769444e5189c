package fsm

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/resp"
)

// Positions are members of sorted sets, see cellOf.
var geoCommands = []Command{
	{Spec{"GEOADD", -5, Write | DenyOOM, Keys{1, 1, 1}, "geo", "Add members with a longitude and latitude, or move them.", "3.2.0"}, geoAdd},
	{Spec{"GEODIST", -4, Read, Keys{1, 1, 1}, "geo", "Get the distance between two members.", "3.2.0"}, geoDist},
	{Spec{"GEOHASH", -2, Read, Keys{1, 1, 1}, "geo", "Get the geohashes of members.", "3.2.0"}, geoHash},
	{Spec{"GEOPOS", -2, Read, Keys{1, 1, 1}, "geo", "Get the longitudes and latitudes of members.", "3.2.0"}, geoPos},
	{Spec{"GEOSEARCH", -7, Read, Keys{1, 1, 1}, "geo", "Find the members in a circle or a box.", "6.2.0"}, geoSearch},
	{Spec{"GEOSEARCHSTORE", -8, Write | DenyOOM, Keys{1, 2, 1}, "geo", "Store the members in a circle or a box.", "6.2.0"}, geoSearchStore},
	{Spec{"GEORADIUS", -6, Write | DenyOOM | MovableKeys, Keys{1, 1, 1}, "geo", "Find or store the members in a circle; older than GEOSEARCH.", "3.2.0"}, geoRadius},
	{Spec{"GEORADIUS_RO", -6, Read, Keys{1, 1, 1}, "geo", "Find the members in a circle; older than GEOSEARCH.", "3.2.10"}, geoRadiusRO},
	{Spec{"GEORADIUSBYMEMBER", -5, Write | DenyOOM | MovableKeys, Keys{1, 1, 1}, "geo", "Find or store the members around a member; older than GEOSEARCH.", "3.2.0"}, geoRadiusByMember},
	{Spec{"GEORADIUSBYMEMBER_RO", -5, Read, Keys{1, 1, 1}, "geo", "Find the members around a member; older than GEOSEARCH.", "3.2.10"}, geoRadiusByMemberRO},
}

var (
	errGeoUnit        = resp.Err("ERR unsupported unit provided. please use M, KM, FT, MI")
	errGeoRadius      = resp.Err("ERR need numeric radius")
	errGeoNegative    = resp.Err("ERR radius cannot be negative")
	errGeoWidth       = resp.Err("ERR need numeric width")
	errGeoHeight      = resp.Err("ERR need numeric height")
	errGeoNegativeBox = resp.Err("ERR height or width cannot be negative")
	errGeoMember      = resp.Err("ERR could not decode requested zset member")
	errGeoCount       = resp.Err("ERR COUNT must be > 0")
	errGeoAny         = resp.Err("ERR the ANY argument requires COUNT argument")
)

// parsePoint reads a longitude and a latitude.
func parsePoint(lon, lat []byte) (p geoPoint, fail resp.Value) {
	var ok1, ok2 bool
	p.lon, ok1 = parseScore(lon)
	p.lat, ok2 = parseScore(lat)
	switch {
	case !ok1 || !ok2:
		return p, errNotFloat
	case p.lon < -maxLon || p.lon > maxLon || p.lat < -maxLat || p.lat > maxLat:
		return p, resp.Err(fmt.Sprintf("ERR invalid longitude,latitude pair %s,%s", sixDecimals(p.lon), sixDecimals(p.lat)))
	}
	return p, resp.Nil
}

// sixDecimals is C's %f.
func sixDecimals(f float64) string {
	return strings.TrimPrefix(strings.ToLower(strconv.FormatFloat(f, 'f', 6, 64)), "+")
}

// parseUnit returns a unit of length in meters.
func parseUnit(arg []byte) (meters float64, fail resp.Value) {
	switch {
	case equalFold(arg, "M"):
		return 1, resp.Nil
	case equalFold(arg, "KM"):
		return 1000, resp.Nil
	case equalFold(arg, "FT"):
		return 0.3048, resp.Nil
	case equalFold(arg, "MI"):
		return 1609.34, resp.Nil
	}
	return 0, errGeoUnit
}

func geoAdd(tx *Tx, args [][]byte) resp.Value {
	var opt zaddOptions
	rest := args[2:]
	for ; len(rest) > 0; rest = rest[1:] {
		flag := opt.flag(rest[0])
		if flag == nil || flag != &opt.nx && flag != &opt.xx && flag != &opt.ch {
			break
		}
		*flag = true
	}
	if len(rest)%3 != 0 || len(rest) == 0 || opt.nx && opt.xx {
		return errSyntax
	}
	tx.chargeEach(rest, cost.Lookup)
	pairs := make([][]byte, 0, len(rest)/3*2)
	for ; len(rest) > 0; rest = rest[3:] {
		p, fail := parsePoint(rest[0], rest[1])
		if fail.IsError() {
			return fail
		}
		score := cellOf(p, geoSteps, maxLat).bits()
		pairs = append(pairs, strconv.AppendUint(nil, score, 10), rest[2])
	}
	return addScored(tx, args[1], opt, pairs)
}

// point returns the position of a member.
func (z *sortedSet) point(member []byte) (geoPoint, bool) {
	score, ok := z.score(string(member))
	if !ok {
		return geoPoint{}, false
	}
	return cellOfScore(score).center(), true
}

// distanceReply shows a distance as Redis does, with four decimals.
func distanceReply(d float64) resp.Value { return resp.Str(strconv.FormatFloat(d, 'f', 4, 64)) }

func geoDist(tx *Tx, args [][]byte) resp.Value {
	unit := 1.0
	switch len(args) {
	case 4:
	case 5:
		var fail resp.Value
		if unit, fail = parseUnit(args[4]); fail.IsError() {
			return fail
		}
	default:
		return errSyntax
	}
	z, fail := membersAt(tx, args[1])
	if fail.IsError() {
		return fail
	}
	tx.chargeEach(args[2:4], 2*cost.Lookup)
	a, ok1 := z.point(args[2])
	b, ok2 := z.point(args[3])
	if !ok1 || !ok2 {
		return resp.Nil
	}
	return distanceReply(a.distance(b) / unit)
}

// geoText is how many bytes a position takes in a reply.
const geoText = 48

// eachPoint answers for each of the members; none stands for one that is not
// there. Values is how many values one is shown by.
func eachPoint(tx *Tx, args [][]byte, none resp.Value, values int, show func(geoPoint) resp.Value) resp.Value {
	z, fail := membersAt(tx, args[1])
	if fail.IsError() {
		return fail
	}
	tx.chargeReply(cost.Times(len(args)-2, values), cost.Times(len(args)-2, geoText))
	tx.chargeEach(args[2:], cost.Lookup+cost.Insert)
	replies := make([]resp.Value, 0, len(args)-2)
	for _, member := range args[2:] {
		if p, ok := z.point(member); ok {
			replies = append(replies, show(p))
		} else {
			replies = append(replies, none)
		}
	}
	return resp.List(replies...)
}

func geoHash(tx *Tx, args [][]byte) resp.Value {
	return eachPoint(tx, args, resp.Nil, 1, func(p geoPoint) resp.Value { return resp.Str(p.geohash()) })
}

func geoPos(tx *Tx, args [][]byte) resp.Value {
	return eachPoint(tx, args, resp.Value{Kind: resp.NullArray}, 3, geoPoint.reply)
}

func (p geoPoint) reply() resp.Value { return resp.List(degreesReply(p.lon), degreesReply(p.lat)) }

// degreesReply shows a number with up to 17 decimals.
func degreesReply(f float64) resp.Value {
	s := strings.TrimRight(strconv.FormatFloat(f, 'f', 17, 64), "0")
	v := resp.Float(f)
	v.Str = strings.TrimSuffix(s, ".")
	return v
}
