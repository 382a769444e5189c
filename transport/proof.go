package transport

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
)

// The proof comes first on a connection, and nothing else is read before it is
// complete. All its parts have a fixed size but for the address, which has up to 255
// bytes:
//
//	dialer:   kindProof | proofVersion | nonce
//	acceptor: helloChallenge | nonce                          or a refusal, or helloNoSecret
//	dialer:   length byte | address that was dialed | proof
//	acceptor: helloProved | proof                             or a refusal
//
// A proof is HMAC-SHA256, with the key of a secret, of all that both sides know of
// the connection (see talk.proof). The fresh nonces make a recorded proof worthless,
// the role makes a reflected one worthless. The dialer goes first, so that who dials
// us learns nothing that a weak secret could be guessed from. The address keeps a
// node that was made to dial a stranger from proving itself to another node by way
// of that stranger. Under TLS a proof holds for that session alone; without TLS,
// who can change packets on their way can take a connection over after the proof.
const (
	kindProof    byte = 'P'
	proofVersion byte = 1
	nonceSize         = 32
)

// The roles, as they are hashed.
const (
	roleDialer   byte = 'd'
	roleAcceptor byte = 'a'
)

// bindingLabel names our use of TLS's exporter (RFC 5705).
const bindingLabel = "EXPORTER-trivet-peer-proof"

// A ProofError says that a connection came to nothing for want of a proof of the
// cluster's secret, ours or the peer's.
type ProofError struct{ Reason string }

func (e *ProofError) Error() string { return e.Reason }

var (
	errHungUp      = &ProofError{"the peer hangs up on our proof; it may be of a version before peer secrets: see --peer-auth for an upgrade"}
	errNoSecret    = &ProofError{"the peer has no secret to prove itself with: see --peer-secret-file"}
	errNoProof     = &ProofError{"the peer proves no secret; it may have none, or be of a version before peer secrets: see --peer-secret-file, and --peer-auth for an upgrade"}
	errWrongProof  = &ProofError{"the peer's proof is wrong: it knows none of this node's peer secrets"}
	errNotTaken    = &ProofError{"our proof of the peer secret was not taken"}
	errFalseAnswer = &ProofError{"the peer took our proof and gave a wrong one: it does not know the cluster's peer secret"}
)

// A talk is what both sides know of a connection when they prove themselves.
type talk struct {
	dialer, acceptor [nonceSize]byte // their nonces
	binding          []byte          // of TLS, empty without
	addr             string          // that was dialed
}

func newNonce() (n [nonceSize]byte) {
	rand.Read(n[:])
	return n
}

// bindingOf returns what the TLS session of a connection, if there is one, can
// be told by at both ends.
func bindingOf(conn net.Conn) ([]byte, error) {
	session, ok := conn.(*tls.Conn)
	if !ok {
		return nil, nil
	}
	state := session.ConnectionState()
	return state.ExportKeyingMaterial(bindingLabel, nil, sha256.Size)
}

// proof returns what only who knows the key can say in a role.
func (t *talk) proof(key []byte, role byte) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte{proofVersion, role, byte(len(t.binding)), byte(len(t.addr))})
	h.Write(t.dialer[:])
	h.Write(t.acceptor[:])
	h.Write(t.binding)
	h.Write([]byte(t.addr))
	return h.Sum(nil)
}

// prove is the dialer's half: it proves itself to the node at addr, and has that
// one prove itself.
func (m *Mux) prove(conn net.Conn, addr string) (err error) {
	if len(addr) > maxText {
		return fmt.Errorf("address of %d bytes exceeds %d", len(addr), maxText)
	}
	key := m.opts.Secrets.current()[0]
	t := talk{dialer: newNonce(), addr: addr}
	if t.binding, err = bindingOf(conn); err != nil {
		return err
	}
	if _, err := conn.Write(append([]byte{kindProof, proofVersion}, t.dialer[:]...)); err != nil {
		return err
	}
	if err := readStatus(conn, helloChallenge); err != nil {
		// A version without proofs hangs up on the first byte.
		if errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) {
			return errHungUp
		}
		return err
	}
	if _, err := io.ReadFull(conn, t.acceptor[:]); err != nil {
		return err
	}
	said := append([]byte{byte(len(addr))}, addr...)
	if _, err := conn.Write(append(said, t.proof(key, roleDialer)...)); err != nil {
		return err
	}
	if err := readStatus(conn, helloProved); err != nil {
		if refused := (*RefusedError)(nil); errors.As(err, &refused) {
			err = fmt.Errorf("%w: %w", errNotTaken, refused)
		}
		return err
	}
	var answer [sha256.Size]byte
	if _, err := io.ReadFull(conn, answer[:]); err != nil {
		return err
	}
	if !hmac.Equal(answer[:], t.proof(key, roleAcceptor)) {
		return errFalseAnswer
	}
	return nil
}

// checkProof is the acceptor's half, after the first byte.
func (m *Mux) checkProof(conn net.Conn) (err error) {
	var start [1 + nonceSize]byte
	if _, err := io.ReadFull(conn, start[:]); err != nil {
		return err
	}
	if m.opts.Secrets == nil {
		_, err := conn.Write([]byte{helloNoSecret})
		return err // whether that will do is the dialer's decision
	}
	if start[0] != proofVersion {
		return refuse(conn, fmt.Errorf("this node knows version %d of the proof, not %d", proofVersion, start[0]))
	}
	t := talk{dialer: [nonceSize]byte(start[1:]), acceptor: newNonce()}
	if t.binding, err = bindingOf(conn); err != nil {
		return err
	}
	if _, err := conn.Write(append([]byte{helloChallenge}, t.acceptor[:]...)); err != nil {
		return err
	}
	if t.addr, err = readText(conn); err != nil {
		return err
	}
	var said [sha256.Size]byte
	if _, err := io.ReadFull(conn, said[:]); err != nil {
		return err
	}
	var key []byte
	for _, k := range m.opts.Secrets.current() {
		if hmac.Equal(said[:], t.proof(k, roleDialer)) {
			key = k
		}
	}
	switch {
	case key == nil:
		return refuse(conn, errWrongProof)
	case !m.opts.Self(t.addr):
		return refuse(conn, fmt.Errorf("this node is not at %s", t.addr))
	}
	_, err = conn.Write(append([]byte{helloProved}, t.proof(key, roleAcceptor)...))
	return err
}
