package server

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"

	"github.com/trivetdb/trivet/resp"
)

// backupChunk is how many bytes of a backup are sent at once.
const backupChunk = 256 << 10

// raftBackup sends a backup: bulk strings, and then an array of the number of bytes
// and their SHA-256. The view is of one index; writes go on meanwhile.
func raftBackup(s *session, _ [][]byte) resp.Value {
	if s.hushed(resp.OK) {
		return resp.Err("ERR a backup is a row of replies: use CLIENT REPLY ON")
	}
	view, header, err := s.srv.opts.Backend.Backup(s.ctx)
	if err != nil {
		s.fault = err
		return noReply
	}
	head, err := header.Append(nil)
	if err != nil {
		return done(err)
	}
	c := &chunks{s: s}
	sum := sha256.New()
	w := bufio.NewWriterSize(io.MultiWriter(c, sum), backupChunk)
	w.Write(head) // bufio keeps the error for Flush
	err = view.Encode(w)
	if err == nil {
		err = w.Flush()
	}
	if err != nil { // the client has gone, or does not read
		s.fault = err
		return noReply
	}
	return resp.List(resp.Int(c.bytes), resp.Str(hex.EncodeToString(sum.Sum(nil))))
}

// chunks sends what is written as bulk strings.
type chunks struct {
	s     *session
	bytes int64
}

func (c *chunks) Write(p []byte) (int, error) {
	if err := c.s.ctx.Err(); err != nil {
		return 0, err
	}
	v := resp.Str(string(p))
	c.s.out.append(v, c.s.who.dialect)
	if err := c.s.flush(); err != nil {
		return 0, err
	}
	c.bytes += int64(len(p))
	return len(p), nil
}

// An incoming is a backup that a client sends in parts.
type incoming struct {
	file  *os.File
	force bool
}

var (
	errRestoreNone = resp.Err("ERR no restore was begun on this connection: RAFT RESTORE BEGIN")
	errRestoreTwo  = resp.Err("ERR a restore was begun on this connection already")
)

// raftRestore takes RAFT RESTORE BEGIN [FORCE], then RAFT RESTORE DATA bytes as often
// as needed, then RAFT RESTORE END. Nothing changes before the end.
func raftRestore(s *session, args [][]byte) resp.Value {
	switch force := len(args) == 4 && is(args[3], "FORCE"); {
	case is(args[2], "BEGIN") && (len(args) == 3 || force):
		if s.incoming != nil {
			return errRestoreTwo
		}
		file, err := s.srv.opts.Backend.Scratch()
		if err == nil {
			s.incoming = &incoming{file, force}
		}
		return done(err)
	case is(args[2], "DATA") && len(args) == 4:
		if s.incoming == nil {
			return errRestoreNone
		}
		_, err := s.incoming.file.Write(args[3])
		return done(err)
	case is(args[2], "END") && len(args) == 3:
		if s.incoming == nil {
			return errRestoreNone
		}
		defer s.leaveRestore()
		return s.restore()
	}
	return errSyntax
}

// restore answers with the index and the number of keys of the backup.
func (s *session) restore() resp.Value {
	file := s.incoming.file
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return done(err)
	}
	h, err := s.srv.opts.Backend.Restore(s.ctx, file, s.incoming.force)
	if errors.Is(err, ErrNoLeader) {
		return errLoading
	}
	if err != nil {
		return done(err)
	}
	return resp.List(resp.Int(int64(h.Index)), resp.Int(int64(h.Keys)))
}

// leaveRestore drops what has come of a backup.
func (s *session) leaveRestore() {
	if s.incoming != nil {
		s.incoming.file.Close()
		s.incoming = nil
	}
}
