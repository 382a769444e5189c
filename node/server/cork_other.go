//go:build !linux

package server

import "net"

// cork has an effect on Linux only. Elsewhere the end of the stream follows the
// last reply in a packet of its own.
func cork(net.Conn) {}
