package main

import (
	"fmt"
	"io"
	"os"
	"time"
)

// A progress tells a person how far something is: on a terminal every second, in
// the same line, elsewhere a line now and then.
type progress struct {
	out   io.Writer
	what  string
	unit  string // "" for bytes
	every time.Duration
	same  bool // line
	began time.Time
	told  time.Time
	n     int64
}

func newProgress(what, unit string) *progress {
	p := &progress{out: os.Stderr, what: what, unit: unit, every: 30 * time.Second, began: time.Now(), told: time.Now()}
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		p.every, p.same = time.Second, true
	}
	return p
}

// add counts, and tells where it is time to.
func (p *progress) add(n int64) {
	p.n += n
	if time.Since(p.told) < p.every {
		return
	}
	p.told = time.Now()
	start, end := "", "\n"
	if p.same {
		start, end = "\r", "\033[K"
	}
	rate := float64(p.n) / time.Since(p.began).Seconds()
	if p.unit == "" {
		fmt.Fprintf(p.out, "%s%s: %s, %s/s%s", start, p.what, inBytes(float64(p.n)), inBytes(rate), end)
		return
	}
	fmt.Fprintf(p.out, "%s%s: %d %s, %.0f/s%s", start, p.what, p.n, p.unit, rate, end)
}

// done leaves the line.
func (p *progress) done() {
	if p.same && !p.told.Equal(p.began) {
		fmt.Fprint(p.out, "\r\033[K")
	}
}

// inBytes writes a number of bytes for people.
func inBytes(n float64) string {
	unit := "B"
	for _, next := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if n < 1024 {
			break
		}
		n, unit = n/1024, next
	}
	if unit == "B" {
		return fmt.Sprintf("%.0f %s", n, unit)
	}
	return fmt.Sprintf("%.1f %s", n, unit)
}
