package server

import (
	"net"
	"syscall"
)

// cork has the kernel keep what is written from now on until the end of the
// stream, so that both arrive at once. It does so for 200 ms at most. For other
// connections than TCP's it does nothing.
func cork(conn net.Conn) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) {
		syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_CORK, 1)
	})
}
