//go:build !linux

package transport

import (
	"net"
	"time"
)

// setUserTimeout does nothing: only Linux has the option. Elsewhere keepalive
// and the pings of call connections find a dead peer.
func setUserTimeout(*net.TCPConn, time.Duration) error { return nil }
