package gossip

import (
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/trivetdb/trivet/transport"
)

// What memberlist is let read. A cluster has nine members, whose states take less
// than a kilobyte each, and some that are gone.
const (
	maxConns  = 32        // accepted connections at a time
	maxStream = 512 << 10 // bytes of a connection, decompressed too
	maxPacket = 64 << 10  // bytes of a packet, decompressed
	maxNodes  = 256       // nodes that are known, or told of in one message
)

// A guard is memberlist's network. memberlist itself takes memory on the word of
// whoever sends: for 20 MB that are to come on a connection, for 40 MB that a few
// compressed bytes stand for, for a million nodes that a header speaks of. The guard
// bounds the connections and what is read of each. Where strangers need no key, it
// also looks into their messages before memberlist does.
type guard struct {
	memberlist.NodeAwareTransport
	open    bool // what is not encrypted is understood
	conns   *transport.Strangers
	streams chan net.Conn
	packets chan *memberlist.Packet
	stop    chan struct{}
	once    sync.Once
	tasks   sync.WaitGroup
}

func newGuard(to memberlist.NodeAwareTransport, open bool) *guard {
	g := &guard{
		NodeAwareTransport: to, open: open, conns: transport.NewStrangers(maxConns),
		streams: make(chan net.Conn), packets: make(chan *memberlist.Packet), stop: make(chan struct{}),
	}
	g.tasks.Go(g.passStreams)
	g.tasks.Go(g.passPackets)
	return g
}

func (g *guard) passStreams() {
	for {
		select {
		case conn := <-g.NodeAwareTransport.StreamCh():
			g.conns.Enter(conn)
			held := &stream{Conn: conn, guard: g, counted: true}
			select {
			case g.streams <- held:
			case <-g.stop:
				held.Close()
				return
			}
		case <-g.stop:
			return
		}
	}
}

func (g *guard) passPackets() {
	for {
		select {
		case p := <-g.NodeAwareTransport.PacketCh():
			if g.open {
				if p.Buf = plain(p.Buf); p.Buf == nil {
					continue
				}
			}
			select {
			case g.packets <- p:
			case <-g.stop:
				return
			}
		case <-g.stop:
			return
		}
	}
}

// StreamCh implements memberlist.Transport.
func (g *guard) StreamCh() <-chan net.Conn { return g.streams }

// PacketCh implements memberlist.Transport.
func (g *guard) PacketCh() <-chan *memberlist.Packet { return g.packets }

// DialTimeout implements memberlist.Transport.
func (g *guard) DialTimeout(addr string, timeout time.Duration) (net.Conn, error) {
	return g.DialAddressTimeout(memberlist.Address{Addr: addr}, timeout)
}

// DialAddressTimeout implements memberlist.NodeAwareTransport. What answers may be as
// strange as who connects.
func (g *guard) DialAddressTimeout(addr memberlist.Address, timeout time.Duration) (net.Conn, error) {
	conn, err := g.NodeAwareTransport.DialAddressTimeout(addr, timeout)
	if err != nil {
		return nil, err
	}
	return &stream{Conn: conn, guard: g}, nil
}

// Shutdown implements memberlist.Transport.
func (g *guard) Shutdown() error {
	g.once.Do(func() { close(g.stop) })
	// The transport's listeners hand over what they have until they end.
	drained := make(chan struct{})
	go func() {
		for {
			select {
			case conn := <-g.NodeAwareTransport.StreamCh():
				conn.Close()
			case <-g.NodeAwareTransport.PacketCh():
			case <-drained:
				return
			}
		}
	}()
	err := g.NodeAwareTransport.Shutdown()
	close(drained)
	g.tasks.Wait()
	return err
}

// A stream is a connection of which memberlist reads so much at most. It reads from
// one goroutine.
type stream struct {
	net.Conn
	guard   *guard
	counted bool // it was accepted
	closed  sync.Once

	looked bool
	r      io.Reader // what memberlist reads
	err    error
}

// Read implements net.Conn. The first one looks at the message.
func (s *stream) Read(b []byte) (int, error) {
	if !s.looked {
		s.looked = true
		s.r = io.LimitReader(s.Conn, maxStream)
		if s.guard.open {
			s.r, s.err = sift(s.r)
		}
	}
	if s.err != nil {
		return 0, s.err
	}
	return s.r.Read(b)
}

// Close implements net.Conn.
func (s *stream) Close() error {
	s.closed.Do(func() {
		if s.counted {
			s.guard.conns.Leave(s.Conn)
		}
	})
	return s.Conn.Close()
}

// listen opens memberlist's own network, and puts a guard before it. Port 0 picks
// one, which is noted in the configuration.
func listen(c *memberlist.Config, open bool) (*guard, error) {
	var err error
	for range 10 {
		var nt *memberlist.NetTransport
		nt, err = memberlist.NewNetTransport(&memberlist.NetTransportConfig{
			BindAddrs: []string{c.BindAddr}, BindPort: c.BindPort, Logger: c.Logger,
		})
		if err == nil {
			if c.BindPort == 0 {
				c.BindPort = nt.GetAutoBindPort()
				c.AdvertisePort = c.BindPort
			}
			return newGuard(nt, open), nil
		}
		if c.BindPort != 0 {
			break // else a port that is free for TCP may be taken for UDP
		}
	}
	return nil, err
}

// errTooMany says why a node is not taken into account.
var errTooMany = errors.New("too many nodes are known")

// NotifyAlive implements memberlist.AliveDelegate: a node that was never heard of is
// not taken where maxNodes are known.
func (p *peers) NotifyAlive(n *memberlist.Node) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.known[n.Name] == nil && n.Name != p.self && len(p.known) >= maxNodes {
		return fmt.Errorf("%w: %d", errTooMany, maxNodes)
	}
	return nil
}
