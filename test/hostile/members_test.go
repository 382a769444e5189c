//go:build hostile

package hostile

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
	"github.com/trivetdb/trivet/test/cluster"
	"github.com/trivetdb/trivet/transport"
)

// fromMembers are what a member of the cluster can send that means harm, or that is broken:
// section A3. They go to the leader's peer port.
var fromMembers = group{name: "A3 members", inputs: []input{
	{name: "a batch of ff", want: answered, send: calls(asMember, batch(0xff))},
	{name: "an empty batch", want: answered, send: calls(asMember, batch(), []byte{callBatch}, nil)},
	{name: "a batch cut short", want: answered, send: func(s *scene) (resp.Value, error) {
		whole := set("undone", "1")
		var all [][]byte
		for size := range len(whole) {
			all = append(all, batch(whole[:size]...))
		}
		return calls(asMember, all...)(s)
	}, also: undone("undone")},
	{name: "a batch with more behind it", want: answered, send: calls(asMember, batch(append(set("undone", "1"), 0, 1, 2, 3)...)),
		also: undone("undone")},
	{name: "a batch whose second group is broken", want: answered,
		send: calls(asMember, batch(append(set("undone", "1"), 0xff)...)), also: undone("undone")},
	{name: "an unknown command", want: answered,
		send: calls(asMember, batch(body(0, "NOSUCH")...), batch(body(0, "")...), batch(body(0, strings.Repeat("X", 1<<20))...))},
	{name: "a wrong number of arguments", want: answered, send: wrongArity},
	{name: "a database above 15", want: answered,
		send: calls(asMember, batch(body(16, "SET", "undone", "1")...), batch(body(255, "SET", "undone", "1")...))},
	{name: "counts beyond all bounds", want: answered, send: hugeCounts},
	{name: "values that are none", want: answered, send: calls(asMember,
		batch(typed("*1000000000\r\n")...), batch(typed("$1000000000\r\n")...), batch(typed(strings.Repeat("*1\r\n", 1<<20))...)), also: saved},
	{name: "a state that is none", want: answered, send: calls(asMember, batch(
		command(command(command([]byte{0, 3}, "LOAD|BEGIN", "x", "force"), "LOAD|PART", "x", "0", "\xff\xff\xff"), "LOAD|END", "x", "force")...))},
	{name: "chance's words as any call", want: answered, send: noise},
	{name: "JSON 64 MB deep", want: answered, send: calls(asMember, append([]byte{callAdmin}, bytes.Repeat([]byte{'['}, 64<<20)...))},
	{name: "raft's messages with counts beyond all bounds", want: anything, send: brokenRaft(asMember)},
}}

// What the calls between nodes begin with, as node/peer.go has it.
const (
	callBatch = 'b'
	callJoin  = 'j'
	callAdmin = 'a'
	callStay  = 's'
)

// asMember, asStranger and asImpostor are what senders show at the peer port: the secret
// of the cluster, none and another.
func asMember(*scene) transport.Options { return knowing(cluster.Secret) }

func asStranger(*scene) transport.Options { return transport.Options{} }

func asImpostor(*scene) transport.Options { return knowing("what nobody has told anybody") }

func knowing(secret transport.Secret) transport.Options {
	return transport.Options{Secrets: transport.NewSecrets([]transport.Secret{secret})}
}

// calls sends calls to the leader, one after the other, and returns the last reply, or
// the first time that there was none. That a call was refused is a reply.
func calls(who func(*scene) transport.Options, all ...[]byte) func(*scene) (resp.Value, error) {
	return func(s *scene) (resp.Value, error) {
		mux, err := transport.Listen(transport.TCP{}, "127.0.0.1:0", who(s))
		if err != nil {
			return resp.Nil, err
		}
		defer mux.Close()
		last := resp.Nil
		for i, call := range all {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			reply, err := mux.Link(s.leader.Peer).Call(ctx, call)
			cancel()
			var refusal *transport.RemoteError
			var hello *transport.RefusedError
			switch {
			case errors.As(err, &refusal):
				last = resp.Err(refusal.Text)
			case errors.As(err, &hello):
				last = resp.Err(hello.Reason)
			case err == nil && string(reply) == "m":
				err = errors.New("perhaps done")
				fallthrough
			case err != nil:
				return last, fmt.Errorf("call %d of %d: %w", i+1, len(all), err)
			default:
				last = resp.Str(fmt.Sprintf("%.80q", reply))
			}
		}
		return last, nil
	}
}

// batch is the call for a batch with a body, of an origin that nobody is.
func batch(body ...byte) []byte {
	b := fsm.Batch{Origin: fsm.Origin{ID: rand.Uint64(), Life: 1}, Seq: 1, Body: body}
	return b.Append([]byte{callBatch})
}

// body is a group of one command.
func body(db byte, args ...string) []byte { return command([]byte{db, 1}, args...) }

func set(key, value string) []byte { return body(0, "SET", key, value) }

// command appends a command as fsm.Group does, whatever it is.
func command(to []byte, args ...string) []byte {
	to = binary.AppendUvarint(to, uint64(len(args)))
	for _, a := range args {
		to = binary.AppendUvarint(to, uint64(len(a))<<1)
		to = append(to, a...)
	}
	return to
}

// typed is a group that sets a value of the classic dialect.
func typed(value string) []byte {
	b := binary.AppendUvarint([]byte{0, 1, 3}, uint64(3)<<1)
	b = binary.AppendUvarint(append(b, "SET"...), 1<<1)
	b = binary.AppendUvarint(append(b, 'k'), uint64(len(value))<<1|1)
	return append(b, value...)
}

// wrongArity calls every row with too few arguments, and with many.
func wrongArity(s *scene) (resp.Value, error) {
	all := [][]byte{batch(0, 1, 0)} // a command without a name
	for _, row := range fsm.Commands() {
		for _, args := range [][]string{nil, {"a"}, {"a", "b", "c", "d", "e", "f"}} {
			if takes(row.Arity, 1+len(args)) {
				continue
			}
			all = append(all, batch(body(0, append([]string{row.Name}, args...)...)...))
		}
	}
	return calls(asMember, all...)(s)
}

func takes(arity, words int) bool { return words == arity || arity < 0 && words >= -arity }

func hugeCounts(s *scene) (resp.Value, error) {
	var all [][]byte
	for _, n := range []uint64{1 << 20, 1 << 31, 1 << 32, 1 << 62, 1<<63 - 1, 1 << 63, math.MaxUint64} {
		all = append(all,
			batch(binary.AppendUvarint([]byte{0}, n)...),                            // commands in the group
			batch(binary.AppendUvarint([]byte{0, 1}, n)...),                         // arguments of the command
			batch(binary.AppendUvarint([]byte{0, 1, 2}, n)...),                      // bytes of the name
			batch(append(binary.AppendUvarint([]byte{0, 1}, n), set("", "")...)...), // and bytes that follow
			binary.AppendUvarint(append(nobody(), 1), n),                            // bytes of the body
		)
	}
	return calls(asMember, all...)(s)
}

// nobody begins the call for a batch: its origin.
func nobody() []byte { return append([]byte{callBatch}, make([]byte, 12)...) }

// noise sends calls of every kind with what a seed draws. One kind is left out, as it
// has no answer.
func noise(s *scene) (resp.Value, error) {
	draw := rand.New(rand.NewPCG(13, 1))
	var all [][]byte
	for kind := range 256 {
		for range 8 {
			call := make([]byte, 1+draw.IntN(60))
			for i := range call {
				call[i] = byte(draw.Uint32() >> draw.IntN(25))
			}
			call[0] = byte(kind)
			if kind != callStay {
				all = append(all, call)
			}
		}
	}
	return calls(asMember, all...)(s)
}

// brokenRaft sends messages of raft's in which a length is a lie.
func brokenRaft(who func(*scene) transport.Options) func(*scene) (resp.Value, error) {
	return func(s *scene) (resp.Value, error) {
		for kind := range byte(8) {
			for _, lie := range []string{
				"\x81\xa7Entries\xdd\xff\xff\xff\xff", "\x81\xa6Leader\xc6\xff\xff\xff\xff", "\xdf\xff\xff\xff\xff",
				"\x81\xa2ID\xdb\xff\xff\xff\xff", strings.Repeat("\x91", 4<<20), "\x81\xa4Size\xd3\x7f\xff\xff\xff\xff\xff\xff\xff",
			} {
				if err := toRaft(s, who, append([]byte{kind}, lie...)); err != nil {
					return resp.Nil, err
				}
			}
		}
		return resp.OK, nil
	}
}

// toRaft sends bytes to the leader's raft and waits a little for what it says.
func toRaft(s *scene, who func(*scene) transport.Options, message []byte) error {
	mux, err := transport.Listen(transport.TCP{}, "127.0.0.1:0", who(s))
	if err != nil {
		return err
	}
	defer mux.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	conn, err := mux.DialRaft(ctx, s.leader.Peer, "")
	if err != nil {
		return err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(300 * time.Millisecond))
	conn.Write(message)
	conn.Read(make([]byte, 1024))
	return nil
}

// saved has each node take a snapshot, from which it then starts.
func saved(s *scene) error {
	for _, n := range s.Nodes {
		c, err := s.connect(n)
		if err != nil {
			return err
		}
		v, err := c.do(patience, "SAVE")
		c.Close()
		if err != nil || v.IsError() {
			return fmt.Errorf("SAVE: %s %w", v.Str, err)
		}
	}
	return nil
}
