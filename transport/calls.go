package transport

import (
	"context"
	"fmt"
	"net"
)

// A Handler answers one call. Each call runs in a goroutine of its own. req
// belongs to the handler; the reply belongs to the mux from its return on. An
// error reaches the caller as a [*RemoteError] with the same text.
//
// ctx ends when the connection breaks or the mux closes, and the handler must
// then return soon: [Mux.Close] waits for it. An error returned after that is
// not sent: the caller gets [ErrUnknown].
type Handler func(ctx context.Context, req []byte) ([]byte, error)

// serveCalls runs a call connection from its hello to its end.
func (m *Mux) serveCalls(conn net.Conn, handler Handler) {
	ctx, cancel := context.WithCancel(m.ctx)
	defer cancel()
	w := newWire(conn, &m.opts)
	defer w.close()
	if !m.spawn(w.write) {
		return
	}
	slots := make(chan struct{}, m.opts.MaxHandlers)
	w.read(func(f frame) bool {
		if f.kind != frameCall {
			return false
		}
		select {
		case slots <- struct{}{}:
		case <-w.done:
			return false
		}
		return m.spawn(func() {
			defer func() { <-slots }()
			answer := respond(ctx, handler, f)
			// An error that we caused ourselves by ending ctx says nothing of
			// the outcome. The caller must learn of the break instead.
			if answer.kind == frameFault && ctx.Err() != nil {
				return
			}
			w.send(&parcel{frame: answer})
		})
	})
}

func respond(ctx context.Context, handler Handler, f frame) frame {
	reply, err := handler(ctx, f.body)
	if err == nil && len(reply) > MaxFrame {
		err = fmt.Errorf("reply of %d bytes exceeds %d", len(reply), MaxFrame)
	}
	if err != nil {
		text := err.Error()
		return frame{kind: frameFault, id: f.id, body: []byte(text[:min(len(text), maxFault)])}
	}
	return frame{kind: frameReply, id: f.id, body: reply}
}
