package node

import (
	"errors"
	"io"
	"time"
)

const (
	// paceBytes is how much of a snapshot is written between two rests.
	paceBytes = 1 << 20
	// paceRest is how many times as long as the writing took a rest is, so that a
	// snapshot takes a quarter of a processor, and less where there is much to do.
	paceRest = 3
	// maxRest bounds a rest.
	maxRest = 100 * time.Millisecond
)

var errStopping = errors.New("the node stops")

// A pacedWriter leaves processors and disk to clients while a snapshot is written,
// and gives up when the node stops.
type pacedWriter struct {
	to    io.Writer
	stop  <-chan struct{}
	bytes int // since the last rest
	began time.Time
}

// Write implements io.Writer.
func (p *pacedWriter) Write(b []byte) (int, error) {
	n, err := p.to.Write(b)
	if p.bytes += n; p.bytes < paceBytes || err != nil {
		return n, err
	}
	rest := time.NewTimer(min(paceRest*time.Since(p.began), maxRest))
	defer rest.Stop()
	select {
	case <-rest.C:
	case <-p.stop:
		return n, errStopping
	}
	p.bytes, p.began = 0, time.Now()
	return n, nil
}
