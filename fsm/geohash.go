package fsm

import (
	"math"

	"github.com/trivetdb/trivet/fsm/calc"
)

// A position of the geo commands is kept as the score of its member: 26 bits of
// latitude and of longitude each, mixed, the latitude in the even bits. What is
// computed here follows Redis step by step, so that scores and distances come
// out the same; products stand in conversions and functions come from calc, so
// that they do so on every machine.

const (
	earthRadius = 6372797.560856 // in meters
	maxMercator = 20037726.37
	maxLon      = 180.0
	maxLat      = 85.05112878
	geoSteps    = 26 // bits a coordinate
	perDegree   = math.Pi / 180
)

// A geoPoint is a position in degrees.
type geoPoint struct{ lon, lat float64 }

// A geoCell is what remains of a position in a number of bits a coordinate.
type geoCell struct {
	lon, lat uint32
	steps    int
}

// cellOf returns the cell of a point. The latitude is between -top and top.
func cellOf(p geoPoint, steps int, top float64) geoCell {
	size := float64(uint64(1) << steps)
	lat := (p.lat + top) / (top + top)
	lon := (p.lon + maxLon) / (maxLon + maxLon)
	return geoCell{uint32(uint64(float64(lon * size))), uint32(uint64(float64(lat * size))), steps}
}

// bits returns the coordinates mixed.
func (c geoCell) bits() uint64 { return spread(c.lat) | spread(c.lon)<<1 }

// spread puts a zero before each bit.
func spread(x uint32) uint64 {
	n := uint64(x)
	n = (n | n<<16) & 0x0000ffff0000ffff
	n = (n | n<<8) & 0x00ff00ff00ff00ff
	n = (n | n<<4) & 0x0f0f0f0f0f0f0f0f
	n = (n | n<<2) & 0x3333333333333333
	return (n | n<<1) & 0x5555555555555555
}

// gather is the way back.
func gather(n uint64) uint32 {
	n &= 0x5555555555555555
	n = (n | n>>1) & 0x3333333333333333
	n = (n | n>>2) & 0x0f0f0f0f0f0f0f0f
	n = (n | n>>4) & 0x00ff00ff00ff00ff
	n = (n | n>>8) & 0x0000ffff0000ffff
	return uint32(n | n>>16)
}

// cellOfScore returns the cell that a score stands for. Any number can be a
// score; those that are no positions become what they do on amd64.
func cellOfScore(score float64) geoCell {
	var n uint64
	switch {
	case score >= 1<<64:
	case score >= 1<<63:
		n = uint64(score-1<<63) | 1<<63
	case score >= -(1 << 63):
		n = uint64(int64(score))
	default:
		n = 1 << 63
	}
	return geoCell{gather(n >> 1), gather(n), geoSteps}
}

// moved returns the cell some cells to the east and north. The map has no edge.
func (c geoCell) moved(east, north int) geoCell {
	mask := uint32(1)<<c.steps - 1
	if east != 0 {
		c.lon = (c.lon + uint32(east)) & mask
	}
	if north != 0 {
		c.lat = (c.lat + uint32(north)) & mask
	}
	return c
}

// scores returns the lowest score in the cell, and the lowest past it.
func (c geoCell) scores() (from, to uint64) {
	shift := 2 * (geoSteps - c.steps)
	n := c.bits()
	return n << shift, (n + 1) << shift
}

// An geoArea is a part of the map between degrees.
type geoArea struct{ low, high geoPoint }

func (c geoCell) area() geoArea {
	size := float64(uint64(1) << c.steps)
	at := func(low, width, n float64) float64 { return low + float64(n/size*width) }
	lon, lat := float64(c.lon), float64(c.lat)
	return geoArea{
		geoPoint{at(-maxLon, 2*maxLon, lon), at(-maxLat, 2*maxLat, lat)},
		geoPoint{at(-maxLon, 2*maxLon, lon+1), at(-maxLat, 2*maxLat, lat+1)},
	}
}

// center returns the point that stands for the cell.
func (c geoCell) center() geoPoint {
	a := c.area()
	return geoPoint{
		min(max((a.low.lon+a.high.lon)/2, -maxLon), maxLon),
		min(max((a.low.lat+a.high.lat)/2, -maxLat), maxLat),
	}
}

func radians(degrees float64) float64 { return float64(degrees * perDegree) }
func degrees(radians float64) float64 { return radians / perDegree }

// latDistance returns the distance in meters between two latitudes.
func latDistance(a, b float64) float64 {
	return float64(earthRadius * math.Abs(radians(b)-radians(a)))
}

// distance returns the distance in meters along the surface of a sphere.
func (p geoPoint) distance(q geoPoint) float64 {
	v := calc.Sin((radians(q.lon) - radians(p.lon)) / 2)
	if v == 0 {
		return latDistance(p.lat, q.lat)
	}
	lat1, lat2 := radians(p.lat), radians(q.lat)
	u := calc.Sin((lat2 - lat1) / 2)
	cosines := float64(calc.Cos(lat1) * calc.Cos(lat2))
	a := float64(u*u) + float64(float64(cosines*v)*v)
	return float64(2 * earthRadius * calc.Asin(math.Sqrt(min(a, 1))))
}

const geoAlphabet = "0123456789bcdefghjkmnpqrstuvwxyz"

// geohash returns the usual name of the place, whose latitudes reach the poles.
// Its last letter has only two bits left of 52, and is 0.
func (p geoPoint) geohash() string {
	n := cellOf(p, geoSteps, 90).bits()
	name := make([]byte, 11)
	for i := range 10 {
		name[i] = geoAlphabet[n>>(52-5*(i+1))&31]
	}
	name[10] = geoAlphabet[0]
	return string(name)
}
