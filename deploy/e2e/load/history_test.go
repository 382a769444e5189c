package load

import "testing"

// TestCheckIDs has one case for each way in which a store can be wrong.
func TestCheckIDs(t *testing.T) {
	for name, c := range map[string]struct {
		ids           string
		found         map[int]int
		lost, doubled int64
	}{
		"all there":             {"aaa", map[int]int{0: 1, 1: 1, 2: 1}, 0, 0},
		"lost":                  {"aaa", map[int]int{0: 1, 2: 1}, 1, 0},
		"doubled":               {"aaa", map[int]int{0: 1, 1: 3, 2: 1}, 0, 2},
		"unknown, not there":    {"aua", map[int]int{0: 1, 2: 1}, 0, 0},
		"unknown, there":        {"aua", map[int]int{0: 1, 1: 1, 2: 1}, 0, 0},
		"unknown, twice":        {"aua", map[int]int{0: 1, 1: 2, 2: 1}, 0, 1},
		"refused, there":        {"ara", map[int]int{0: 1, 1: 1, 2: 1}, 0, 1},
		"written by nobody":     {"a", map[int]int{0: 1, 7: 1}, 0, 1},
		"one lost, one doubled": {"aa", map[int]int{1: 2}, 1, 1},
	} {
		if lost, doubled := checkIDs([]byte(c.ids), c.found); lost != c.lost || doubled != c.doubled {
			t.Errorf("%s: %d lost, %d doubled", name, lost, doubled)
		}
	}
}

func TestCheckCount(t *testing.T) {
	for _, c := range []struct{ acks, maybes, value, lost, doubled int64 }{
		{5, 0, 5, 0, 0}, {5, 2, 5, 0, 0}, {5, 2, 7, 0, 0}, {5, 2, 8, 0, 1}, {5, 2, 4, 1, 0}, {0, 0, 0, 0, 0},
	} {
		if lost, doubled := checkCount(c.acks, c.maybes, c.value); lost != c.lost || doubled != c.doubled {
			t.Errorf("%+v: %d lost, %d doubled", c, lost, doubled)
		}
	}
}
