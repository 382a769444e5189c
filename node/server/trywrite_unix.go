//go:build unix

package server

import (
	"net"
	"syscall"
)

// tryWriter returns a function that sends as much as the kernel takes at once, and
// never waits. It returns nil for a connection that is more than a socket, as TLS is.
func tryWriter(conn net.Conn) func([]byte) (int, error) {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return nil
	}
	w := &rawWriter{raw: raw}
	w.once = w.write
	return w.send
}

// A rawWriter is for one goroutine at a time.
type rawWriter struct {
	raw  syscall.RawConn
	once func(fd uintptr) bool // write, made into a value once
	b    []byte
	n    int
	err  error
}

func (w *rawWriter) send(b []byte) (int, error) {
	w.b, w.n, w.err = b, 0, nil
	err := w.raw.Write(w.once)
	w.b = nil
	if err == nil {
		err = w.err
	}
	return w.n, err
}

// write tries until the kernel takes no more; it always says that it is done.
func (w *rawWriter) write(fd uintptr) bool {
	for w.n < len(w.b) {
		n, err := syscall.Write(int(fd), w.b[w.n:])
		switch {
		case err == syscall.EINTR:
		case err == syscall.EAGAIN:
			return true
		case err != nil:
			w.err = err
			return true
		default:
			w.n += n
		}
	}
	return true
}
