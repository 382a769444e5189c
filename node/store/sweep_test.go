package store
import ("testing";"math/rand/v2";"os";"strconv")
func TestSweepTmp(t *testing.T) {
	n, _ := strconv.Atoi(os.Getenv("SWEEP"))
	s := newSample(t)
	pages := len(s.files[boltName])/4096
	r := rand.New(rand.NewPCG(uint64(n), 9))
	d := 0
	for range n {
		p := r.IntN(pages)
		off := r.IntN(16+16*5)
		if p*4096+off >= len(s.files[boltName]) { continue }
		if s.flip(t, boltName, p*4096+off, 1<<r.IntN(8)) { d++ }
	}
	t.Log(pages, n, d)
}
