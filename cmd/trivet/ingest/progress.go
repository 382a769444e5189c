package ingest

import (
	"fmt"
	"io"
	"time"
)

// A Progress tells people now and then how far it is. Its zero value tells
// nothing.
type Progress struct {
	Out      io.Writer
	Terminal bool // Out is one: the line is written again and again
	begun    time.Time
	told     time.Time
	open     bool // a line on the terminal has no end yet
}

// How often it tells.
const (
	terminalPeriod = 200 * time.Millisecond
	logPeriod      = 10 * time.Second
)

// start begins the time that rates are of.
func (p *Progress) start() { p.begun = time.Now(); p.told = p.begun }

// tell writes what line returns, given the seconds since the start, when it is
// time.
func (p *Progress) tell(line func(seconds float64) string) {
	if p.Out == nil {
		return
	}
	now := time.Now()
	period := logPeriod
	if p.Terminal {
		period = terminalPeriod
	}
	if now.Sub(p.told) < period {
		return
	}
	p.told = now
	text := line(now.Sub(p.begun).Seconds())
	if p.Terminal {
		fmt.Fprintf(p.Out, "\r\x1b[K%s", text)
		p.open = true
		return
	}
	fmt.Fprintln(p.Out, text)
}

// Say ends the line on a terminal and writes one of its own.
func (p *Progress) Say(format string, args ...any) {
	p.Finish()
	if p.Out != nil {
		fmt.Fprintf(p.Out, format+"\n", args...)
	}
}

// Finish ends the line on a terminal.
func (p *Progress) Finish() {
	if p.open {
		fmt.Fprintln(p.Out)
		p.open = false
	}
}

// size shows a number of bytes.
func size(n float64) string {
	if n < 1<<20 {
		return fmt.Sprintf("%.1f KiB", n/(1<<10))
	}
	return fmt.Sprintf("%.1f MiB", n/(1<<20))
}
