package server

import (
	"context"
	"errors"
	"io"
	"time"
)

// handshakeTime is how long a client may take to agree on TLS.
const handshakeTime = 10 * time.Second

// handshake agrees on TLS with the client, on a listener that speaks it. The
// error ends the session. One who says nothing at all, such as a probe that only
// looks whether the port is open, is not counted.
func (s *session) handshake() error {
	conn, ok := s.conn.(interface{ HandshakeContext(context.Context) error })
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(s.ctx, handshakeTime)
	defer cancel()
	err := conn.HandshakeContext(ctx)
	if err != nil && !errors.Is(err, io.EOF) && s.ctx.Err() == nil {
		s.srv.counts.handshakes.Add(1)
		s.srv.opts.Log.Debug("no TLS with a client", "client", s.conn.RemoteAddr(), "err", err)
	}
	return err
}
