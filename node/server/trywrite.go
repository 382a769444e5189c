//go:build linux || darwin

package server

import (
	"net"
	"syscall"

	"golang.org/x/sys/unix"
)

// tryWriter returns a function that sends as much as the kernel takes at once, and
// never waits. It returns nil for a connection that is more than a socket, as TLS is.
func tryWriter(conn net.Conn) func([][]byte) (int, error) {
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
	bufs [][]byte
	n    int
	err  error
}

func (w *rawWriter) send(bufs [][]byte) (int, error) {
	w.bufs, w.n, w.err = bufs, 0, nil
	err := w.raw.Write(w.once)
	w.bufs = nil
	if err == nil {
		err = w.err
	}
	return w.n, err
}

// write sends once: what is left then, the kernel has no room for. It always says
// that it is done.
func (w *rawWriter) write(fd uintptr) bool {
	for {
		if len(w.bufs) == 1 {
			w.n, w.err = syscall.Write(int(fd), w.bufs[0]) // which the race detector knows to come before a read
		} else {
			w.n, w.err = unix.Writev(int(fd), w.bufs)
		}
		w.n = max(w.n, 0)
		switch w.err {
		case unix.EINTR:
			continue
		case unix.EAGAIN:
			w.err = nil
		}
		return true
	}
}
