package transport

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"io"
)

// MaxFrame is the largest request or reply, in bytes.
const MaxFrame = 256 << 20

// maxFault bounds the text of a handler's error.
const maxFault = 64 << 10

// firstChunk is how much is allocated on a peer's word alone. Above it a body
// grows as its bytes arrive. Usual requests fit and are allocated once.
const firstChunk = 512 << 10

const headerSize = 4 + 8 + 1

type frameKind byte

const (
	frameCall  frameKind = 1 // body is a request
	frameReply frameKind = 2 // body is the handler's reply
	frameFault frameKind = 3 // body is the text of the handler's error
	framePing  frameKind = 4 // no body and no answer: a sign of life
)

type frame struct {
	kind frameKind
	id   uint64 // chosen by the caller, repeated by the answer
	body []byte
}

func writeFrame(w *bufio.Writer, f frame) error {
	head := w.AvailableBuffer()
	if cap(head) < headerSize {
		head = make([]byte, 0, headerSize)
	}
	head = binary.BigEndian.AppendUint32(head, uint32(len(f.body)))
	head = binary.BigEndian.AppendUint64(head, f.id)
	head = append(head, byte(f.kind))
	if _, err := w.Write(head); err != nil {
		return err
	}
	_, err := w.Write(f.body)
	return err
}

func readFrame(r *bufio.Reader) (frame, error) {
	head, err := r.Peek(headerSize)
	if err != nil {
		if err == io.EOF && len(head) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return frame{}, err
	}
	n := binary.BigEndian.Uint32(head)
	f := frame{kind: frameKind(head[12]), id: binary.BigEndian.Uint64(head[4:])}
	if f.kind < frameCall || f.kind > framePing {
		return frame{}, fmt.Errorf("frame of unknown kind %d", f.kind)
	}
	if n > MaxFrame {
		return frame{}, fmt.Errorf("frame of %d bytes exceeds %d", n, MaxFrame)
	}
	if _, err := r.Discard(headerSize); err != nil {
		return frame{}, err
	}
	f.body, err = readBody(r, int(n))
	return f, err
}

// readBody reads n bytes, and holds at most twice what has arrived.
func readBody(r io.Reader, n int) ([]byte, error) {
	body := make([]byte, 0, min(n, firstChunk))
	for {
		had := len(body)
		body = body[:cap(body)]
		if _, err := io.ReadFull(r, body[had:]); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		if len(body) == n {
			return body, nil
		}
		grown := make([]byte, len(body), min(n, 2*len(body)))
		copy(grown, body)
		body = grown
	}
}
