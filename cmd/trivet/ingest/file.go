package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/trivetdb/trivet/fsm/rdb"
)

// allDatabases stands in the place of the number of one.
const allDatabases = -1

// A file is an RDB file as a Source.
type file struct {
	f      *os.File
	remove bool // the file at the end
	size   int64
	read   int64 // bytes
	db     int   // the only one wanted, or allDatabases
	r      *rdb.Reader
	loaded int // libraries that Next returned
	queue  []*Record
	err    error // after the queue
}

// OpenFile returns the Source that an RDB file is.
func OpenFile(path string) (Source, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	return newFile(f, allDatabases)
}

// newFile owns f, and reads it from where it stands.
func newFile(f *os.File, db int) (*file, error) {
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	s := &file{f: f, size: info.Size(), db: db}
	s.r = rdb.NewReader(s)
	return s, nil
}

// Read is what the file's reader reads from.
func (s *file) Read(b []byte) (int, error) {
	n, err := s.f.Read(b)
	s.read += int64(n)
	return n, err
}

func (s *file) Next(context.Context) (*Record, error) {
	for len(s.queue) == 0 && s.err == nil {
		s.advance()
	}
	if len(s.queue) == 0 {
		return nil, s.err
	}
	r := s.queue[0]
	s.queue = s.queue[1:]
	return r, nil
}

// advance reads up to the next key, which the libraries before it precede.
func (s *file) advance() {
	k, err := s.r.Next()
	libraries := s.r.Libraries()
	for _, code := range libraries[s.loaded:] {
		s.queue = append(s.queue, &Record{DB: allDatabases, Library: code})
	}
	s.loaded = len(libraries)
	var module *rdb.ModuleError
	switch {
	case err == nil:
		if s.wants(k.DB) {
			s.queue = append(s.queue, fromValue(k))
		}
	case errors.As(err, &module):
		if s.wants(module.DB) {
			s.queue = append(s.queue, &Record{DB: module.DB, Key: module.Key,
				Fault: fmt.Sprintf("value of the module type %q, which only that module can read", module.Module)})
		}
	case errors.Is(err, io.EOF):
		s.err = io.EOF
	default:
		s.err = fmt.Errorf("read the file, at about byte %d: %w", s.read, err)
	}
}

func (s *file) wants(db int) bool { return s.db == allDatabases || s.db == db }

func (s *file) Done() float64 {
	if s.size == 0 {
		return 0
	}
	return float64(s.read) / float64(s.size)
}

func (s *file) Close() error {
	err := s.f.Close()
	if s.remove {
		err = errors.Join(err, os.Remove(s.f.Name()))
	}
	return err
}
