package fsm

import (
	"math"

	"github.com/trivetdb/trivet/fsm/calc"
	"github.com/trivetdb/trivet/fsm/cost"
)

// A geoShape is a circle or a box around a point.
type geoShape struct {
	center geoPoint
	unit   float64 // in meters; the sizes below are in units
	box    bool
	radius float64
	width  float64
	height float64
}

// reach returns the distance in meters to the points farthest from the center.
func (s *geoShape) reach() float64 {
	r := s.radius
	if s.box {
		w, h := s.width/2, s.height/2
		r = math.Sqrt(float64(w*w) + float64(h*h))
	}
	return float64(r * s.unit)
}

// surely is a factor that outweighs all rounding.
const surely = 1 + 1e-9

// contains reports whether a point is in the shape, and how far from its center
// it is, in meters.
func (s *geoShape) contains(p geoPoint) (distance float64, ok bool) {
	if !s.box {
		radius := float64(s.radius * s.unit)
		if latDistance(p.lat, s.center.lat) > float64(radius*surely) {
			return 0, false // without the trigonometry
		}
		distance = s.center.distance(p)
		return distance, distance <= radius
	}
	if latDistance(p.lat, s.center.lat) > float64(s.height*s.unit)/2 {
		return 0, false
	}
	if p.distance(geoPoint{s.center.lon, p.lat}) > float64(s.width*s.unit)/2 {
		return 0, false
	}
	return s.center.distance(p), true
}

// bounds returns an area that the shape is in.
func (s *geoShape) bounds() geoArea {
	across, up := s.radius, s.radius
	if s.box {
		across, up = s.width/2, s.height/2
	}
	across, up = float64(across*s.unit), float64(up*s.unit)
	lat := degrees(up / earthRadius)
	wider := func(lat float64) float64 { return degrees(across / earthRadius / calc.Cos(radians(lat))) }
	c := s.center
	lon := wider(c.lat + lat)
	if c.lat < 0 {
		lon = wider(c.lat - lat)
	}
	return geoArea{geoPoint{c.lon - lon, c.lat - lat}, geoPoint{c.lon + lon, c.lat + lat}}
}

// stepsFor returns in how many bits a coordinate cells are as large as a reach.
func stepsFor(reach, lat float64) int {
	if reach == 0 {
		return geoSteps
	}
	steps := 1
	for ; reach < maxMercator; reach *= 2 {
		steps++
	}
	steps -= 2
	switch lat = math.Abs(lat); { // cells are narrow near the poles
	case lat > 80:
		steps -= 2
	case lat > 66:
		steps--
	}
	return min(max(steps, 1), geoSteps)
}

// The cells around one, in the order in which Redis looks into them.
var geoNeighbors = [9]struct{ east, north int }{
	{0, 0}, {0, 1}, {0, -1}, {1, 0}, {-1, 0}, {1, 1}, {-1, 1}, {1, -1}, {-1, -1},
}

// cells returns the cells that the shape may lie in.
func (s *geoShape) cells() []geoCell {
	bounds := s.bounds()
	cell := cellOf(s.center, stepsFor(s.reach(), s.center.lat), maxLat)
	if cell.steps > 1 && !cell.surrounds(bounds) {
		cell = cellOf(s.center, cell.steps-1, maxLat)
	}
	var cells []geoCell
	area := cell.area()
	for _, n := range geoNeighbors {
		beyond := n.north < 0 && area.low.lat < bounds.low.lat || n.north > 0 && area.high.lat > bounds.high.lat ||
			n.east < 0 && area.low.lon < bounds.low.lon || n.east > 0 && area.high.lon > bounds.high.lon
		if cell.steps >= 2 && beyond {
			continue
		}
		// Where cells are very large, those on both sides are the same.
		next := cell.moved(n.east, n.north)
		if len(cells) == 0 || next != cells[len(cells)-1] {
			cells = append(cells, next)
		}
	}
	return cells
}

// surrounds reports whether the cell and those around it hold an area.
func (c geoCell) surrounds(a geoArea) bool {
	return c.moved(0, 1).area().high.lat >= a.high.lat && c.moved(0, -1).area().low.lat <= a.low.lat &&
		c.moved(1, 0).area().high.lon >= a.high.lon && c.moved(-1, 0).area().low.lon <= a.low.lon
}

// A geoHit is a member that a search found.
type geoHit struct {
	scored
	point    geoPoint
	distance float64 // in meters
}

// search returns the members in the shape, in Redis's order: cell by cell, and
// by score within each. It stops at limit, where that is not 0.
func (z *sortedSet) search(tx *Tx, s *geoShape, limit int64) (hits []geoHit) {
	for _, cell := range s.cells() {
		low, high := cell.scores()
		from, to := z.scoreRange(scoreBound{score: float64(low)}, scoreBound{float64(high), true})
		tx.charge(2 * cost.Lookup)
		for ; from < to; from += searchChunk {
			tx.charge(min(to-from, searchChunk) * geoLook)
			z.order.each(from, min(to, from+searchChunk), false, func(it scored) {
				if limit > 0 && int64(len(hits)) >= limit {
					return
				}
				p := cellOfScore(it.score).center()
				if d, ok := s.contains(p); ok {
					hits = append(hits, geoHit{it, p, d})
				}
			})
			if limit > 0 && int64(len(hits)) >= limit {
				return hits
			}
		}
	}
	return hits
}

// geoLook is the steps of telling how far away a member is.
const geoLook = 40

// searchChunk is how many members are looked at before the limit is.
const searchChunk = 256
