//go:build libraries

package libraries

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// A wire is a connection through a service, with all that went over it.
type wire struct {
	node  string
	mu    sync.Mutex // guards what follows
	parts []part
	ended time.Time
	cut   bool // by the node
}

type part struct {
	at   time.Time
	kind kind
	data []byte
}

type kind string

const (
	request kind = "request"
	reply   kind = "reply"
)

func (w *wire) note(k kind, data []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.parts = append(w.parts, part{time.Now(), k, slices.Clone(data)})
}

func (w *wire) end(cut bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended.IsZero() {
		w.ended, w.cut = time.Now(), cut
	}
}

// unanswered returns the request that the node's end left without a reply.
func (w *wire) unanswered() (part, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.cut || len(w.parts) == 0 {
		return part{}, false
	}
	last := w.parts[len(w.parts)-1]
	return last, last.kind == request
}

// takes matches the commands by which the libraries take jobs.
var takes = regexp.MustCompile(`(?i)\r\n(B?[LR]POP|B?RPOPLPUSH|B?L?MOVE|BLMOVE|BZPOPMIN|ZPOPMIN|EVAL|EVALSHA|EXEC|ZREM|ZRANGEBYSCORE)\r\n`)

// cuts counts the requests that nodes left unanswered, and how many of them were
// to take a job. So many jobs may be lost: those taken by a library that keeps no
// copy, and those that a worker held which ended for the lack of the reply.
func (s *service) cuts() (all, taking int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, w := range s.wires {
		if last, ok := w.unanswered(); ok {
			all++
			if takes.Match(last.data) {
				taking++
			}
		}
	}
	return all, taking
}

// trace tells where a job went: each connection on which its name was seen.
func (s *service) trace(job string) string {
	name := regexp.MustCompile(`(?:^|[^\w.-])` + regexp.QuoteMeta(job) + `(?:$|[^\w.-])`)
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for i, w := range s.wires {
		w.mu.Lock()
		for j, p := range w.parts {
			if name.Match(p.data) {
				fmt.Fprintf(&b, "\n\t%s connection %d to %s, %s %.60q", p.at.Format("15:04:05.000"), i, w.node, p.kind, p.data)
				if w.cut && j == len(w.parts)-1 {
					fmt.Fprintf(&b, " (the last before the node's end at %s)", w.ended.Format("15:04:05.000"))
				}
			}
		}
		w.mu.Unlock()
	}
	return b.String()
}
