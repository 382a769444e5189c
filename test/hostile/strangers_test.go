//go:build hostile

package hostile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/trivetdb/trivet/resp"
)

// strangers are at the peer port without the cluster's secret: section B7. How they
// are turned away does not matter, only that they have no effect.
var strangers = group{name: "B7 strangers", inputs: []input{
	{name: "writes a key", want: anything, send: calls(asStranger, batch(set("undone", "1")...)), also: undone("undone")},
	{name: "writes a key with a wrong secret", want: anything, send: calls(asImpostor, batch(set("undone", "1")...)), also: undone("undone")},
	{name: "makes a user", want: anything, also: sameUsers,
		send: calls(asStranger, batch(body(0, "ACL|SETUSER", "SETUSER", "stranger", "on", "nopass", "~*", "+@all")...))},
	{name: "joins", want: anything, also: sameMembers,
		send: calls(asStranger, append([]byte{callJoin}, `{"ID":"stranger-0123456789abcdef","Peer":"127.0.0.1:1"}`...))},
	{name: "removes a member", want: anything, also: sameMembers, send: func(s *scene) (resp.Value, error) {
		return calls(asStranger, append([]byte{callAdmin}, `{"Do":"remove","Name":"`+s.at.Name+`"}`...))(s)
	}},
	{name: "transfers the leadership", want: anything, send: calls(asStranger, append([]byte{callAdmin}, `{"Do":"transfer"}`...)),
		also: sameLeader},
	{name: "asks for votes in a term far ahead", want: anything, send: farTerm, also: sameLeader},
	{name: "a batch of ff", want: anything, send: calls(asStranger, batch(0xff))},
	{name: "raft's messages with counts beyond all bounds", want: anything, send: brokenRaft(asStranger), long: true},
	{name: "1,000 frames that claim 256 MB", want: anything, send: claims},
	{name: "2,000 connections that say nothing", want: anything, send: func(s *scene) (resp.Value, error) {
		open, err := flood(s.leader.Peer, 2000, nil)
		time.Sleep(2 * time.Second)
		hangUp(open)
		return resp.OK, err
	}},
}}

func sameMembers(s *scene) error {
	time.Sleep(time.Second) // a change would be under way
	for _, n := range s.Nodes {
		status, err := n.Status(s.t.Context())
		if err != nil {
			return err
		}
		if len(status.Members) != len(s.Nodes) {
			return fmt.Errorf("there are %d members", len(status.Members))
		}
		for _, m := range status.Members {
			if !m.Voter {
				return fmt.Errorf("%s has lost its vote", m.Name)
			}
		}
	}
	return nil
}

func sameUsers(s *scene) error {
	v, err := s.to.do(patience, "ACL", "USERS")
	if err == nil && len(v.Elems) != 1 {
		err = fmt.Errorf("there are %d users", len(v.Elems))
		s.to.do(patience, "ACL", "DELUSER", "stranger")
	}
	return err
}

func sameLeader(s *scene) error {
	status, err := s.leader.Status(s.t.Context())
	switch {
	case err != nil:
		return err
	case status.Node.Role != "leader":
		return errors.New("the leader has lost its office")
	case status.Node.Term > 1<<32:
		return fmt.Errorf("the term is %d", status.Node.Term)
	}
	return nil
}

// farTerm asks the leader for its vote, as a follower would whom it had handed the
// leadership to.
func farTerm(s *scene) (resp.Value, error) {
	status, err := s.at.Status(s.t.Context())
	if err != nil {
		return resp.Nil, err
	}
	const voteRequest = 1
	m := []byte{voteRequest, 0x88}
	for _, field := range []struct {
		name  string
		value []byte
	}{
		{"ProtocolVersion", []byte{3}},
		{"ID", packBytes(status.Node.ID)},
		{"Addr", packBytes(s.at.Peer)},
		{"Candidate", packBytes(s.at.Peer)},
		{"Term", packInt(1 << 60)},
		{"LastLogIndex", packInt(1 << 60)},
		{"LastLogTerm", packInt(1 << 60)},
		{"LeadershipTransfer", []byte{0xc3}},
	} {
		m = append(append(m, packText(field.name)...), field.value...)
	}
	return resp.OK, toRaft(s, asStranger, m)
}

// These are what msgpack needs of, as raft and memberlist speak it.

func packText(s string) []byte { return append([]byte{0xa0 | byte(len(s))}, s...) }

func packBytes(s string) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{0xda}, uint16(len(s))), s...)
}

func packInt(n uint64) []byte { return binary.BigEndian.AppendUint64([]byte{0xcf}, n) }

// claims sends the headers of frames whose bodies never come.
func claims(s *scene) (resp.Value, error) {
	// A call connection with no identities, and a frame: length, id, kind.
	const hello = "C\x00\x00"
	frame := append(binary.BigEndian.AppendUint32([]byte(hello), 256<<20), 0, 0, 0, 0, 0, 0, 0, 1, 1)
	open, err := flood(s.leader.Peer, 1000, frame)
	time.Sleep(2 * time.Second)
	hangUp(open)
	return resp.OK, err
}

// flood opens so many connections and says the same on each.
func flood(addr string, count int, say []byte) (open []net.Conn, err error) {
	for range count {
		conn, err := net.DialTimeout("tcp", addr, 5*time.Second)
		if err != nil {
			return open, err
		}
		open = append(open, conn)
		conn.SetDeadline(time.Now().Add(5 * time.Second))
		conn.Write(say) // that it is thrown out is as good
	}
	return open, nil
}

func hangUp(conns []net.Conn) {
	for _, c := range conns {
		c.Close()
	}
}
