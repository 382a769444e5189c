package fsm

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/trivetdb/trivet/fsm/cost"
)

func (g *generator) point() geoPoint {
	p := geoPoint{g.Float64()*360 - 180, (2*g.Float64() - 1) * maxLat}
	if g.IntN(2) == 0 { // many that are close to one another
		p = geoPoint{13 + g.Float64(), 38 + g.Float64()}
	}
	return p
}

// A point and the center of its cell are less than a meter apart.
func TestGeoCells(t *testing.T) {
	g := newGenerator(t)
	for range 20_000 {
		p := g.point()
		c := cellOf(p, geoSteps, maxLat)
		if back := cellOfScore(float64(c.bits())); back != c {
			t.Fatalf("%+v: %+v became %+v", p, c, back)
		}
		if d := p.distance(c.center()); d > 1 {
			t.Fatalf("%+v is %v meters from the center of its cell", p, d)
		}
	}
	for _, score := range []float64{-1, 1e300, math.Inf(1), math.Inf(-1), 1 << 63, 1 << 62, 0.5} {
		if p := cellOfScore(score).center(); math.Abs(p.lon) > maxLon || math.Abs(p.lat) > maxLat {
			t.Errorf("the score %v is at %+v", score, p)
		}
	}
}

// A search finds what a look at all members finds.
func TestGeoSearch(t *testing.T) {
	g := newGenerator(t)
	z := newSortedSet(0)
	for i := range 2000 {
		z.put(fmt.Sprint(i), float64(cellOf(g.point(), geoSteps, maxLat).bits()))
	}
	for range 2000 {
		s := geoShape{center: g.point(), unit: 1, radius: 10 * math.Pow(10, 5.3*g.Float64())}
		if math.Abs(s.center.lat) > 60 {
			continue // shapes around a pole are not found whole, as in Redis
		}
		if s.box = g.IntN(2) == 0; s.box {
			s.width, s.height = s.radius, s.radius*g.Float64()
		}
		var want, got []string
		z.order.each(0, z.size(), false, func(it scored) {
			if _, ok := s.contains(cellOfScore(it.score).center()); ok {
				want = append(want, it.member)
			}
		})
		for _, h := range z.search(freeTx(), &s, 0) {
			got = append(got, h.member)
		}
		slices.Sort(got)
		slices.Sort(want)
		if math.Abs(s.center.lon) < 150 && !slices.Equal(got, want) {
			t.Fatalf("%+v: found %v, want %v", s, got, want)
		}
		if some := z.search(freeTx(), &s, 3); len(some) != min(3, len(got)) {
			t.Fatalf("%+v: found %d, want 3 of %d", s, len(some), len(got))
		}
	}
}

func TestKeysOfGeoRadius(t *testing.T) {
	for _, tt := range []struct {
		words []string
		want  []int
	}{
		{[]string{"GEORADIUS", "k", "1", "2", "3", "m"}, []int{1}},
		{[]string{"GEORADIUS", "k", "1", "2", "3", "m", "ASC", "STORE", "d"}, []int{1, 8}},
		{[]string{"GEORADIUS", "k", "1", "2", "3", "m", "store", "d", "STOREDIST", "e"}, []int{1, 9}},
		{[]string{"GEORADIUSBYMEMBER", "k", "a", "3", "m", "STORE", "d"}, []int{1, 6}},
		{[]string{"GEORADIUSBYMEMBER", "k", "a", "3", "m", "STORE"}, []int{1}},
	} {
		if got := Lookup(tt.words[0]).KeysOf(bulks(tt.words...)); !slices.Equal(got, tt.want) {
			t.Errorf("%q: keys at %v, want %v", tt.words, got, tt.want)
		}
	}
}

// Ten thousand members in an area of a degree, and a search that finds some
// hundred.
func BenchmarkGeoSearch(b *testing.B) {
	z := newSortedSet(0)
	for i := range 10_000 {
		p := geoPoint{13 + float64(i%100)/100, 38 + float64(i/100)/100}
		z.put(fmt.Sprint(i), float64(cellOf(p, geoSteps, maxLat).bits()))
	}
	s := geoShape{center: geoPoint{13.5, 38.5}, unit: 1000, radius: 6}
	b.ReportAllocs()
	found := 0
	for b.Loop() {
		found = len(z.search(freeTx(), &s, 0))
	}
	b.ReportMetric(float64(found), "found")
}

func BenchmarkGeoAdd(b *testing.B) {
	tx := Tx{st: NewState(), write: true, meter: cost.Unlimited()}
	args := bulks("GEOADD", "g", "13.361389", "38.115556", "Palermo")
	b.ReportAllocs()
	for b.Loop() {
		geoAdd(&tx, args)
	}
}
