package node

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/node/backup"
	"github.com/trivetdb/trivet/node/server"
)

const (
	// restorePart is how many bytes of a backup go into the log at once.
	restorePart = 1 << 20
	// restorePatience is how long a part of a restore is tried while there is no
	// leader, or none that answers in time: the last one makes every node read all.
	restorePatience = 10 * time.Minute
)

// freeze returns a view of the state as it is.
func (m *machine) freeze() (*fsm.Frozen, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken {
		return nil, errBroken
	}
	return m.state.Freeze(), nil
}

// loads returns how many backups were restored since the start.
func (m *machine) loads() (n uint64) {
	m.view(func(s *fsm.State) { n = s.Loads() })
	return n
}

// Backup implements server.Backend.
func (n *Node) Backup(ctx context.Context) (*fsm.Frozen, backup.Header, error) {
	if err := n.catchUp(ctx, 0, true); err != nil {
		return nil, backup.Header{}, err
	}
	frozen, err := n.machine.freeze()
	if err != nil {
		return nil, backup.Header{}, err
	}
	return frozen, backup.Header{
		Cluster: n.dir.Identity().Cluster, Index: frozen.Index(), Time: time.Now().UTC().Truncate(time.Second),
		Version: n.cfg.Version, Keys: frozen.Keys(),
	}, nil
}

// Scratch implements server.Backend. The file has no name any more, so that nothing
// is left of it after a crash.
func (n *Node) Scratch() (*os.File, error) {
	f, err := os.CreateTemp(n.cfg.DataDir, "restore-*.tmp")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

// Restore implements server.Backend. The backup goes through the log, in parts:
// raft's own Restore would have the leader take on a state that no other node has
// yet, and differ from all others for ever if it died then.
func (n *Node) Restore(ctx context.Context, f io.ReadSeeker, force bool) (backup.Header, error) {
	h, err := backup.Read(f)
	if err != nil {
		return h, err
	}
	at, err := f.Seek(0, io.SeekCurrent)
	if err != nil {
		return h, err
	}
	if _, err := fsm.Decode(f); err != nil {
		return h, fmt.Errorf("the backup cannot be read: %w", err)
	}
	if _, err := f.Seek(at, io.SeekStart); err != nil {
		return h, err
	}
	id, how := rand.Text(), ""
	if force {
		how = "force"
	}
	n.cfg.Log.Info("restoring a backup", "cluster", h.Cluster, "index", h.Index, "keys", h.Keys, "force", force)
	if err := n.load(ctx, f, id, how); err != nil {
		n.loadStep(ctx, "LOAD|DROP", id) // else the parts go in ten minutes
		return h, err
	}
	n.cfg.Log.Info("restored a backup", "cluster", h.Cluster, "index", h.Index, "keys", h.Keys)
	return h, nil
}

func (n *Node) load(ctx context.Context, r io.Reader, id, how string) error {
	if err := n.loadStep(ctx, "LOAD|BEGIN", id, how); err != nil {
		return err
	}
	part := make([]byte, restorePart)
	for number := 0; ; number++ {
		size, err := io.ReadFull(r, part)
		if size > 0 {
			if err := n.loadStep(ctx, "LOAD|PART", id, strconv.Itoa(number), string(part[:size])); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return err
		}
	}
	return n.loadStep(ctx, "LOAD|END", id, how)
}

// loadStep has a step applied. Each may be asked for again by who has not heard
// whether it was done.
func (n *Node) loadStep(ctx context.Context, name string, words ...string) error {
	args := [][]byte{nil}
	for _, w := range words {
		args = append(args, []byte(w))
	}
	for began := time.Now(); ; {
		var group fsm.Group
		group.Add(fsm.Lookup(name), args, nil)
		replies, _, err := n.Write(ctx, 0, &group)
		switch {
		case err == nil && replies[0].IsError():
			return errors.New(strings.TrimPrefix(replies[0].Str, "ERR "))
		case err == nil:
			return nil
		case !errors.Is(err, server.ErrNoLeader) && !errors.Is(err, server.ErrUnknown):
			return err
		case time.Since(began) > restorePatience:
			return fmt.Errorf("no answer for %v, so it may or may not be done: %w", restorePatience, err)
		}
		if err := pause(ctx, retryPause); err != nil {
			return err
		}
	}
}
