//go:build redis

package redis

import (
	"fmt"
	"strconv"
	"testing"
)

// Positions all over the world, and some close together. Scores that are
// distances are looked at by ZCOUNT, as Redis 7.0 prints them otherwise.
func TestGeoAtRandom(t *testing.T) {
	compareAtRandom(t, 15_000, func(d drawer) []string {
		key := d.pick("a", "a", "b")
		switch d.IntN(12) {
		case 0, 1:
			words := []string{"GEOADD", key}
			for range 1 + d.IntN(20) {
				words = append(words, d.lon(), d.lat(), d.place())
			}
			return words
		case 2:
			return []string{"GEODIST", key, d.place(), d.place(), d.unit()}
		case 3:
			return []string{d.pick("GEOPOS", "GEOHASH"), key, d.place(), d.place()}
		case 4:
			return []string{"GEORADIUSBYMEMBER", "a", d.place(), d.size(), d.unit(), "STORE", "c"}
		case 5:
			return []string{"GEORADIUS", key, d.lon(), d.lat(), d.size(), d.unit(), "STOREDIST", "c"}
		case 6:
			return []string{"ZRANGE", "c", "0", "-1"}
		case 7:
			if d.IntN(20) == 0 {
				return []string{"DEL", "b"}
			}
		}
		words := []string{"GEOSEARCH", key}
		if d.IntN(2) == 0 {
			words = append(words, "FROMLONLAT", d.lon(), d.lat())
		} else {
			words = append(words, "FROMMEMBER", d.place())
		}
		if d.IntN(2) == 0 {
			words = append(words, "BYRADIUS", d.size(), d.unit())
		} else {
			words = append(words, "BYBOX", d.size(), d.size(), d.unit())
		}
		for range d.IntN(3) {
			words = append(words, d.pick("WITHDIST", "WITHHASH", "WITHCOORD", "ASC", "DESC"))
		}
		if d.IntN(4) == 0 {
			words = append(words, "COUNT", itoa(1+d.IntN(9)), d.pick("ANY", "DESC"))
		}
		return words
	})
}

func (d drawer) place() string { return "p" + itoa(d.IntN(60)) }
func (d drawer) unit() string  { return d.pick("m", "km", "ft", "mi", "km", "km") }
func (d drawer) size() string  { return fmt.Sprint(d.IntN(1 << d.IntN(18))) }

func (d drawer) lon() string { return d.degrees(180) }
func (d drawer) lat() string { return d.degrees(85.05) }

func (d drawer) degrees(most float64) string {
	f := (2*d.Float64() - 1) * most
	switch d.IntN(4) {
	case 0:
		f = 12 + d.Float64()
	case 1:
		f = float64(int(f))
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}
