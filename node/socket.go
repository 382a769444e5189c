package node

import (
	"net"
	"os"
	"path/filepath"
)

// SocketName is the socket in the data directory by which an operator on the machine
// gets in when clients have taken all places.
const SocketName = "trivet.sock"

// openSocket serves Redis clients on the socket in the data directory, which this
// node has locked. A node does without it where the file system has no sockets, or
// the path is too long for one.
func (n *Node) openSocket() {
	path := filepath.Join(n.cfg.DataDir, SocketName)
	os.Remove(path) // of a process that has died
	l, err := net.Listen("unix", path)
	if err == nil {
		err = os.Chmod(path, 0o600)
	}
	if err != nil {
		n.cfg.Log.Info("no socket for operators", "err", err)
		return
	}
	n.onClose(func() { l.Close() })
	n.spawn(func() { n.report("socket", n.front.Serve(l, false)) })
}
