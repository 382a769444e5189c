package node

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/hashicorp/raft"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
	"github.com/trivetdb/trivet/transport"
)

// The first byte of a call between nodes says what it asks for. Batches and
// read indexes are binary, since there are many; all else is JSON.
const (
	callBatch     = 'b'
	callReadIndex = 'i'
	callTerm      = 't'
	callHello     = 'h'
	callPromise   = 'p'
	callJoin      = 'j'
	callAdmin     = 'a'
	callClaims    = 'w'
	callTurns     = 'u'
	callRemoved   = 'x'
	callStay      = 's' // answered when the connection ends: who asks learns of that
)

// The first byte of the answer to a batch or a read index.
const (
	answerDone        = 'd'
	answerNotProposed = 'n' // surely not done: this node does not lead
	answerMaybe       = 'm' // perhaps done
)

// serveCall answers another node.
func (n *Node) serveCall(ctx context.Context, req []byte) ([]byte, error) {
	if len(req) == 0 {
		return nil, errors.New("empty call")
	}
	kind, body := req[0], req[1:]
	switch kind {
	case callBatch:
		return n.serveBatch(ctx, body)
	case callReadIndex:
		index, err := n.readIndex.get(ctx)
		if err != nil {
			return []byte{answerNotProposed}, nil
		}
		return binary.AppendUvarint([]byte{answerDone}, index), nil
	case callTerm:
		return n.serveTerm(body)
	case callClaims:
		note, err := decodeClaimNote(body)
		if err != nil {
			return nil, err
		}
		answer := n.waiters.hear(note)
		return answer.append(nil), nil
	case callTurns:
		note, err := decodeTurnNote(body)
		if err != nil {
			return nil, err
		}
		n.blocking.hear(note)
		return nil, nil
	case callStay:
		<-ctx.Done()
		return nil, ctx.Err()
	case callHello:
		return json.Marshal(n.self())
	case callPromise:
		return serveJSON(body, n.promise)
	case callJoin:
		return serveJSON(body, n.admit)
	case callAdmin:
		return serveJSON(body, n.administer)
	case callRemoved:
		return serveJSON(body, n.wasRemoved)
	}
	return nil, fmt.Errorf("unknown call %q", kind)
}

func (n *Node) serveBatch(ctx context.Context, body []byte) ([]byte, error) {
	b, err := fsm.DecodeBatch(body)
	if err == nil {
		err = fsm.CheckBody(b.Body, n.machine.level.Load())
	}
	if err != nil {
		n.cfg.Log.Error("refused a batch of another node: it would have stopped every node that applies it", "origin", b.Origin.ID, "err", err)
		return nil, err
	}
	index, result, err := n.submit(ctx, &b)
	switch {
	case errors.Is(err, errNotProposed):
		return []byte{answerNotProposed}, nil
	case err != nil:
		return []byte{answerMaybe}, nil
	}
	out := binary.AppendUvarint([]byte{answerDone, byte(result.Outcome)}, index)
	out = binary.AppendUvarint(out, uint64(len(result.Replies)))
	for _, v := range result.Replies {
		out = v.Append(out, resp.Canonical)
	}
	return out, nil
}

// submit has a batch applied, where this node leads.
func (n *Node) submit(ctx context.Context, b *fsm.Batch) (uint64, fsm.Result, error) {
	defer n.waiters.submit(b)()
	return n.sequencer.submit(ctx, b)
}

// sendBatch is the proposer's way to the leader.
func (n *Node) sendBatch(ctx context.Context, to leader, b *fsm.Batch) (uint64, fsm.Result, error) {
	if to.id == n.id {
		return n.submit(ctx, b)
	}
	reply, err := n.mux.Link(string(to.addr)).Call(ctx, b.Append([]byte{callBatch}))
	switch {
	case errors.Is(err, transport.ErrNotSent):
		return 0, fsm.Result{}, errNotProposed
	case err != nil || len(reply) == 0 || reply[0] == answerMaybe:
		return 0, fsm.Result{}, errMaybe
	case reply[0] == answerNotProposed:
		return 0, fsm.Result{}, errNotProposed
	}
	index, result, err := decodeResult(reply[1:])
	if err != nil {
		n.cfg.Log.Error("a batch's answer makes no sense", "peer", to.id, "err", err)
		return 0, fsm.Result{}, errMaybe
	}
	return index, result, nil
}

func decodeResult(b []byte) (uint64, fsm.Result, error) {
	bad := errors.New("answer ends too early")
	if len(b) == 0 {
		return 0, fsm.Result{}, bad
	}
	result := fsm.Result{Outcome: fsm.Outcome(b[0])}
	b = b[1:]
	index, size := binary.Uvarint(b)
	if size <= 0 {
		return 0, result, bad
	}
	b = b[size:]
	count, size := binary.Uvarint(b)
	if size <= 0 || count > uint64(len(b)) {
		return 0, result, bad
	}
	b = b[size:]
	result.Replies = make([]resp.Value, count)
	for i := range result.Replies {
		var err error
		if result.Replies[i], b, err = resp.ParseValue(b, resp.NoLimits); err != nil {
			return 0, result, err
		}
	}
	return index, result, nil
}

// sendClaims tells the leader of clients that wait here.
func (n *Node) sendClaims(ctx context.Context, to leader, note *claimNote) (claimAnswer, error) {
	if to.id == n.id {
		return n.waiters.hear(*note), nil
	}
	reply, err := n.mux.Link(string(to.addr)).Call(ctx, note.append([]byte{callClaims}))
	if err != nil {
		return claimAnswer{}, err
	}
	return decodeClaimAnswer(reply)
}

// sendTurns tells a node of its clients' turns.
func (n *Node) sendTurns(ctx context.Context, addr string, note turnNote) error {
	if addr == n.addresses.peer {
		n.blocking.hear(note)
		return nil
	}
	_, err := n.mux.Link(addr).Call(ctx, note.append([]byte{callTurns}))
	return err
}

// leaderIndex is a round of the barrier: the leader's read index.
func (n *Node) leaderIndex(ctx context.Context) (uint64, error) {
	for {
		to, reign, err := n.leaders.await(ctx)
		if err != nil {
			return 0, err
		}
		index, err := n.askIndex(ctx, reign, to)
		if err == nil {
			return index, nil
		}
		if err := pause(ctx, retryPause); err != nil {
			return 0, err
		}
	}
}

func (n *Node) askIndex(ctx, reign context.Context, to leader) (uint64, error) {
	if to.id == n.id {
		return n.readIndex.get(ctx)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(reign, cancel)()
	reply, err := n.mux.Link(string(to.addr)).Call(ctx, []byte{callReadIndex})
	if err != nil {
		return 0, err
	}
	if len(reply) < 2 || reply[0] != answerDone {
		return 0, errNotProposed
	}
	index, size := binary.Uvarint(reply[1:])
	if size <= 0 {
		return 0, errNotProposed
	}
	return index, nil
}

// askTerm asks a member for its term. Another node in its place has no say: it
// may not know what the member has voted for.
func (n *Node) askTerm(ctx context.Context, s raft.Server) (uint64, error) {
	if s.ID == n.id {
		return n.raft.CurrentTerm(), nil
	}
	reply, err := n.mux.Link(string(s.Address)).Call(ctx, append([]byte{callTerm}, s.ID...))
	if err != nil {
		return 0, err
	}
	term, size := binary.Uvarint(reply)
	if size <= 0 {
		return 0, errors.New("answer ends too early")
	}
	return term, nil
}

func (n *Node) serveTerm(id []byte) ([]byte, error) {
	if string(id) != string(n.id) {
		return nil, fmt.Errorf("this node is %s", n.id)
	}
	return binary.AppendUvarint(nil, n.raft.CurrentTerm()), nil
}

func serveJSON[Q, A any](body []byte, serve func(Q) (A, error)) ([]byte, error) {
	var q Q
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, err
	}
	a, err := serve(q)
	if err != nil {
		return nil, err
	}
	return json.Marshal(a)
}

// callJSON asks a node for something in JSON.
func callJSON[A any](ctx context.Context, n *Node, to raft.ServerAddress, kind byte, q any) (a A, err error) {
	body, err := json.Marshal(q)
	if err != nil {
		return a, err
	}
	reply, err := n.mux.Link(string(to)).Call(ctx, append([]byte{kind}, body...))
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal(reply, &a)
}
