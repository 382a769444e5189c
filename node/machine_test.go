package node

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/node/server"
	"github.com/trivetdb/trivet/node/store"
)

func entryOf(at int64, batches ...*fsm.Batch) []byte {
	e := fsm.Entry{Time: at}
	for _, b := range batches {
		e.Batches = append(e.Batches, *b)
	}
	return e.Append(nil)
}

// TestMachineStops gives the machine entries that it cannot apply. It says so
// once, and does nothing any more.
func TestMachineStops(t *testing.T) {
	good := entryOf(1, batchOf(1, 1, "SET", "k", "v"))
	flipped := append([]byte(nil), good...)
	flipped[len(flipped)-1] ^= 1
	newer := append([]byte(nil), good...)
	newer[0]++
	for name, test := range map[string]struct {
		data []byte
		want error
	}{
		"empty":           {nil, fsm.ErrDamaged},
		"a flipped bit":   {flipped, fsm.ErrDamaged},
		"cut off":         {good[:len(good)-1], fsm.ErrDamaged},
		"of a newer kind": {newer, fsm.ErrNewer},
		"unknown command": {entryOf(1, &fsm.Batch{Origin: fsm.Origin{ID: 1, Life: 1}, Seq: 2, Body: []byte{0, 1, 1, 6, 'N', 'E', 'W'}}), fsm.ErrNewer},
		"no command":      {entryOf(1, &fsm.Batch{Origin: fsm.Origin{ID: 1, Life: 1}, Seq: 2, Body: []byte{0, 9}}), fsm.ErrDamaged},
	} {
		t.Run(name, func(t *testing.T) {
			var fatal []error
			m := &machine{state: fsm.NewStateAt(fsm.NewestLevel), fatal: func(err error) { fatal = append(fatal, err) }}
			if _, ok := m.Apply(&raft.Log{Index: 5, Data: good}).([]fsm.Result); !ok || m.applied.load() != 5 {
				t.Fatal("a good entry was not applied")
			}
			for range 2 {
				if _, ok := m.Apply(&raft.Log{Index: 6, Data: test.data}).(error); !ok {
					t.Error("applied")
				}
			}
			if _, ok := m.Apply(&raft.Log{Index: 7, Data: good}).(error); !ok {
				t.Error("went on with a good entry")
			}
			if len(fatal) != 1 || !errors.Is(fatal[0], test.want) {
				t.Errorf("fatal: %v", fatal)
			}
			m.StoreConfiguration(8, raft.Configuration{})
			_, readErr := m.read(fsm.Request{Command: fsm.Lookup("DBSIZE"), Args: [][]byte{[]byte("DBSIZE")}})
			_, snapErr := m.Snapshot()
			_, _, digestErr := m.digest()
			if m.applied.load() != 5 || readErr == nil || snapErr == nil || digestErr == nil {
				t.Errorf("applied %d; read: %v; snapshot: %v; digest: %v", m.applied.load(), readErr, snapErr, digestErr)
			}
		})
	}
}

// TestNodeStops has a node find damage while it runs: it says so, refuses
// reads and can be closed.
func TestNodeStops(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 1, nil)
	a := c.members[0]
	conn := a.client()
	if err := conn.Set(t.Context(), "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	a.machine.Apply(&raft.Log{Index: 1 << 40, Data: []byte{1, 2, 3}})
	select {
	case err := <-a.Fatal():
		if !errors.Is(err, fsm.ErrDamaged) {
			t.Errorf("fatal: %v", err)
		}
	case <-time.After(time.Second):
		t.Fatal("the node did not say that it cannot go on")
	}
	if err := conn.Get(t.Context(), "k").Err(); kindOf(err) != "loading" {
		t.Errorf("read: %v", err)
	}
	if _, err := a.Read(t.Context(), fsm.Request{Command: fsm.Lookup("GET"), Args: [][]byte{nil, []byte("k")}}, 0, true); !errors.Is(err, server.ErrNoLeader) {
		t.Errorf("linearizable read: %v", err)
	}
	a.stop()
	a.start() // what is on the disk is sound
	c.settled()
	if got, err := a.client().Get(t.Context(), "k").Result(); got != "v" {
		t.Errorf("after a restart: %q, %v", got, err)
	}
}

// TestDamagedDisk changes one entry or another in a stopped node's log.
func TestDamagedDisk(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 1, nil)
	a := c.members[0]
	conn := a.client()
	for i := range 40 {
		if err := conn.Set(t.Context(), "k", fmt.Sprintf("value %02d to be found", i), 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	a.stop()
	segments, err := filepath.Glob(filepath.Join(a.conf.DataDir, "wal", "*.wal"))
	if err != nil || len(segments) != 1 {
		t.Fatalf("segments of the log: %v, %v", segments, err)
	}
	path := segments[0]
	sound, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < 40; i += 4 {
		value := fmt.Sprintf("value %02d to be found", i)
		damaged := bytes.ReplaceAll(sound, []byte(value), []byte(strings.Replace(value, "found", "fount", 1)))
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(a.conf); !errors.Is(err, store.ErrDamaged) {
			t.Fatalf("%s: %v", value, err)
		}
	}
	if err := os.WriteFile(path, sound, 0o600); err != nil {
		t.Fatal(err)
	}
	a.start()
	c.settled()
	if got, err := a.client().Get(t.Context(), "k").Result(); got != "value 39 to be found" {
		t.Errorf("mended: %q, %v", got, err)
	}
}
