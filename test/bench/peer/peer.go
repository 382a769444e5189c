// Package peer runs the servers that are measured, as processes on this machine,
// each with a data directory that is removed afterwards.
package peer

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/trivetdb/trivet/test/bench/load"
)

// A Machine says where servers find their programs and keep their data.
type Machine struct {
	Dir    string // for data and programs; on a real disk
	Trivet string // path of the program
	NATS   string // likewise
}

// A Kind is a server, and how it is run.
type Kind struct {
	Name string // as in tables
	What string // what it promises, in a few words
	run  func(ctx context.Context, m Machine, s *Server) error
}

// Kinds are the servers that are compared, in the order of a round.
var Kinds = []Kind{
	Trivet,
	{Linearizable, "trivet with --reads linearizable", trivet("--reads", "linearizable")},
	Redis,
	Replicated,
	{"etcd", "three nodes, fsync before each acknowledgement by a majority", etcd},
	{"nats", "JetStream, three servers, a key-value bucket of three replicas, sync_interval always", nats},
}

// A Server is one of some kind that runs.
type Server struct {
	Kind      Kind
	Target    load.Target
	Processes []*Process
	Addrs     []string // that clients speak the Redis protocol to, of each process, if at all
	Lead      int      // index of the process that clients were given at the start
	dir       string
	closers   []func()
}

// Start runs a server of this kind and waits until it serves. The flags are more
// ones for its processes.
func (k Kind) Start(ctx context.Context, m Machine) (*Server, error) {
	dir, err := os.MkdirTemp(m.Dir, k.Name+"-")
	if err != nil {
		return nil, err
	}
	s := &Server{Kind: k, dir: dir}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := k.run(ctx, m, s); err != nil {
		for _, p := range s.Processes {
			err = fmt.Errorf("%w\n--- log of %s:\n%s", err, p.Name, p.LogTail())
		}
		s.Close()
		return nil, fmt.Errorf("run %s: %w", k.Name, err)
	}
	return s, nil
}

// Close ends all processes and removes their data.
func (s *Server) Close() {
	for _, f := range s.closers {
		f()
	}
	for _, p := range s.Processes {
		p.Kill()
	}
	os.RemoveAll(s.dir) // what remains lies in the run's directory, which goes last
}

// add makes a process of the server and starts it.
func (s *Server) add(name, program string, args func(p *Process) []string) (*Process, error) {
	p, err := newProcess(s.dir, name, program)
	if err != nil {
		return nil, err
	}
	p.args = append(p.args, args(p)...)
	s.Processes = append(s.Processes, p)
	return p, p.Start()
}

// until calls f until it returns nil, and returns its last error if ctx ends
// first, or a process does.
func (s *Server) until(ctx context.Context, f func(ctx context.Context) error) error {
	for {
		one, cancel := context.WithTimeout(ctx, 5*time.Second)
		err := f(one)
		cancel()
		if err == nil {
			return nil
		}
		for _, p := range s.Processes {
			if p.Ended() {
				return fmt.Errorf("%s has ended: %w", p.Name, err)
			}
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// CPU returns the processor time of all processes so far, in seconds.
func (s *Server) CPU() (sum float64, err error) {
	for _, p := range s.Processes {
		n, err := p.CPU()
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// Resident returns the sums of what the processes hold of memory and of the most
// that each has held since ResetPeak, in bytes.
func (s *Server) Resident() (now, peak int64, err error) {
	for _, p := range s.Processes {
		n, most, err := p.Resident()
		if err != nil {
			return 0, 0, err
		}
		now, peak = now+n, peak+most
	}
	return now, peak, nil
}

// ResetPeak makes the peaks of memory what is held now.
func (s *Server) ResetPeak() error {
	for _, p := range s.Processes {
		if err := p.ResetPeak(); err != nil {
			return err
		}
	}
	return nil
}
