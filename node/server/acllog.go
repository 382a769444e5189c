package server

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trivetdb/trivet/fsm/acl"
	"github.com/trivetdb/trivet/resp"
)

const (
	maxDenied    = 1024        // bytes that are kept of a name
	maxDeniedWho = 4096        // bytes that are kept of what CLIENT LIST shows of the client
	denialWindow = time.Minute // in which the same counts as one
)

// denials are what this node's clients were denied, the newest first. All
// methods may be called from many goroutines.
type denials struct {
	mu     sync.Mutex
	list   []*denial
	lastID int64
	counts [acl.DeniedChannel + 1]uint64 // by reason, since the start
}

type denial struct {
	acl.Refusal
	context string // toplevel, multi or lua
	client  string // as CLIENT LIST shows it
	id      int64
	count   int64
	born    time.Time
	last    time.Time
}

// add keeps a refusal, and most at all.
func (d *denials) add(r acl.Refusal, context, client string, most int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.counts[r.Reason]++
	now := time.Now()
	client = strings.TrimSuffix(client, "\n")
	client = client[:min(len(client), maxDeniedWho)]
	r.User, r.Object = strings.Clone(r.User[:min(len(r.User), maxDenied)]), strings.Clone(r.Object[:min(len(r.Object), maxDenied)])
	at := slices.IndexFunc(d.list, func(o *denial) bool {
		return o.Refusal == r && o.context == context && now.Sub(o.last) <= denialWindow
	})
	if at >= 0 {
		o := d.list[at]
		o.client, o.last = client, now
		o.count++
		d.list = slices.Insert(slices.Delete(d.list, at, at+1), 0, o)
		return
	}
	o := &denial{Refusal: r, context: context, client: client, id: d.lastID, count: 1, born: now, last: now}
	d.lastID++
	d.list = slices.Insert(d.list, 0, o)
	if over := int64(len(d.list)) - max(most, 0); over > 0 {
		d.list = slices.Delete(d.list, len(d.list)-int(over), len(d.list)) // which lets them go, too
	}
}

// denials writes how often clients were denied something.
func (r *report) denials(d *denials) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range []struct {
		name string
		why  acl.Reason
	}{{"auth", acl.DeniedAuth}, {"cmd", acl.DeniedCommand}, {"key", acl.DeniedKey}, {"channel", acl.DeniedChannel}} {
		r.line("acl_access_denied_"+f.name, d.counts[f.why])
	}
}

func (d *denials) reset() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.list = nil
}

// show returns the newest of them, at most so many.
func (d *denials) show(most int64) resp.Value {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := resp.List()
	now := time.Now()
	for _, o := range d.list[:min(max(most, 0), int64(len(d.list)))] {
		list.Elems = append(list.Elems, resp.Dict(
			resp.Str("count"), resp.Int(o.count),
			resp.Str("reason"), resp.Str(o.Reason.String()),
			resp.Str("context"), resp.Str(o.context),
			resp.Str("object"), resp.Str(o.Object),
			resp.Str("username"), resp.Str(o.User),
			resp.Str("age-seconds"), resp.Float(float64(now.Sub(o.last).Milliseconds())/1000),
			resp.Str("client-info"), resp.Str(o.client),
			resp.Str("entry-id"), resp.Int(o.id),
			resp.Str("timestamp-created"), resp.Int(o.born.UnixMilli()),
			resp.Str("timestamp-last-updated"), resp.Int(o.last.UnixMilli()),
		))
	}
	return list
}

func aclLog(s *session, args [][]byte) resp.Value {
	most := int64(10)
	switch {
	case len(args) > 3:
		return errSubcommandSyntax(args)
	case len(args) == 3 && is(args[2], "RESET"):
		s.srv.denials.reset()
		return resp.OK
	case len(args) == 3:
		var ok bool
		if most, ok = parseInt(args[2]); !ok {
			return errNotInteger
		}
	}
	return s.srv.denials.show(most)
}
