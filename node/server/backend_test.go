package server

import (
	"io"
	"os"

	"context"
	"errors"
	"github.com/trivetdb/trivet/node/backup"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/fsm/acl"
	"github.com/trivetdb/trivet/resp"
)

// alone is a node without a cluster: one state behind a lock. The fields under
// "set by tests" say what else may happen to a node; they are set under the lock.
type alone struct {
	mu    sync.Mutex
	state *fsm.State
	seq   uint64

	// set by tests
	follows  bool          // another node leads
	noLeader bool          // nobody does
	unknown  bool          // writes are proposed, and never heard of again
	hold     chan struct{} // writes wait until it is closed
	behind   chan struct{} // until it is closed, this node does not know what others do
	panics   bool          // reads do
	deliver  func([]fsm.Message)
	users    func(*acl.Users, []string)
	refused  func([]acl.Refusal)

	holders   int // followers that hold all writes
	configure func(*fsm.Settings)

	scratch  string     // directory of temporary files
	restored *fsm.State // by the last restore
	forced   bool

	queue        []*standing
	groups       []int    // the number of commands of each group that was written
	minIndexes   []uint64 // of the reads
	linearizable []bool   // of the reads
	asked        []string // of the cluster
}

func newAlone() *alone { return &alone{state: fsm.NewStateAt(fsm.NewestLevel)} }

func (a *alone) Level() uint64 { return fsm.NewestLevel }

func (a *alone) set(change func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change()
}

func (a *alone) Write(ctx context.Context, db int, g *fsm.Group) ([]resp.Value, uint64, error) {
	a.mu.Lock()
	hold := a.hold
	a.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return nil, 0, ErrUnknown
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.noLeader:
		return nil, 0, ErrNoLeader
	case a.unknown:
		return nil, 0, ErrUnknown
	}
	a.seq++
	a.groups = append(a.groups, g.Len())
	results, err := a.state.Apply(a.seq, fsm.Entry{
		Time: time.Now().UnixMilli(), Seed: a.seq,
		Batches: []fsm.Batch{{Origin: fsm.Origin{ID: 1, Life: 1}, Seq: a.seq, Body: g.Append(nil, db)}},
	})
	if err != nil {
		return nil, 0, err
	}
	a.deliver(a.state.TakeMessages())
	a.configure(a.state.Settings())
	a.users(a.state.Users(), a.state.TakeDeleted())
	for _, r := range a.state.TakeRefusals() {
		a.refused([]acl.Refusal{r.Refusal})
	}
	if replies := results[0].Replies; !nullOf(replies[len(replies)-1]) {
		for _, p := range a.queue {
			p.turn(false)
		}
	}
	return results[0].Replies, a.seq, nil
}

func (a *alone) Read(_ context.Context, r fsm.Request, minIndex uint64, linearizable bool) (resp.Value, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.panics {
		panic("a test wants it")
	}
	if a.noLeader && linearizable {
		return resp.Nil, ErrNoLeader
	}
	a.minIndexes = append(a.minIndexes, minIndex)
	a.linearizable = append(a.linearizable, linearizable)
	r.Now, r.Seed = time.Now().UnixMilli(), 1
	var missed []fsm.Message
	r.Notices = &missed
	v := a.state.Read(r)
	a.deliver(missed)
	return v, nil
}

func (a *alone) CatchUp(_ context.Context, _ uint64, linearizable bool) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.noLeader && linearizable {
		return ErrNoLeader
	}
	return nil
}

func (a *alone) Settle(ctx context.Context) error {
	a.mu.Lock()
	behind := a.behind
	a.mu.Unlock()
	if behind != nil {
		select {
		case <-behind:
		case <-ctx.Done():
			return ErrNoLeader
		}
	}
	return nil
}

func (a *alone) Leads() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return !a.follows && !a.noLeader
}

var other = Member{Name: "b", ID: "b-1", Role: "leader", Voter: true, Alive: true, Applied: 7, Redis: "10.0.0.2:6379", Classic: "10.0.0.2:31337"}

func (a *alone) Leader(context.Context) (Member, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.noLeader {
		return Member{}, ErrNoLeader
	}
	return other, nil
}

func (a *alone) Status() Status {
	a.mu.Lock()
	defer a.mu.Unlock()
	st := Status{
		Member:  Member{Name: "a", ID: "a-1", Role: "leader", Voter: true, Term: 3, Applied: a.state.Index(), Redis: "127.0.0.1:6379"},
		Cluster: "test", LeaderID: "a-1", Peers: 1, CommitIndex: a.state.Index(), LastIndex: a.state.Index(),
		DataBytes: a.state.Bytes(),
	}
	if a.follows {
		st.Role, st.LeaderID, st.LeaderRedis = "follower", other.ID, other.Redis
	}
	if a.noLeader {
		st.Role, st.LeaderID = "candidate", ""
	}
	for db := range fsm.Databases {
		if n := a.state.Len(db); n > 0 {
			if st.Keys == nil {
				st.Keys = map[int][2]int{}
			}
			st.Keys[db] = [2]int{n, a.state.Expiring(db)}
		}
	}
	return st
}

func (a *alone) Members(context.Context) []Member { return []Member{a.Status().Member, other} }

func (a *alone) ask(what, name string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = append(a.asked, what+" "+name)
	if name == "nobody" {
		return errors.New("no member is called nobody")
	}
	return nil
}

func (a *alone) Remove(_ context.Context, name string) error   { return a.ask("remove", name) }
func (a *alone) Promote(_ context.Context, name string) error  { return a.ask("promote", name) }
func (a *alone) Transfer(_ context.Context, name string) error { return a.ask("transfer", name) }
func (a *alone) Save(context.Context) error                    { return a.ask("save", "") }
func (a *alone) Replicas() []Member                            { return []Member{other} }
func (a *alone) Stop()                                         { a.ask("stop", "") }

// Followers never finds more than there are holders.
func (a *alone) Followers(ctx context.Context, _ uint64, enough int) int {
	for {
		a.mu.Lock()
		n := a.holders
		a.mu.Unlock()
		if n >= enough || ctx.Err() != nil {
			return n
		}
		time.Sleep(time.Millisecond)
	}
}

// Ready and Queue are those of the simplest node: who waits is told of each write.
func (a *alone) Ready(int, fsm.Wait) bool { return false }

type standing struct {
	a    *alone
	turn func(bool)
}

func (a *alone) Queue(_ int, _ fsm.Wait, turn func(first bool)) Place {
	p := &standing{a, turn}
	a.set(func() { a.queue = append(a.queue, p) })
	turn(true)
	return p
}

func (p *standing) Stay() {}

// Known is closed from the start: turn was called in Queue.
func (p *standing) Known() <-chan struct{} {
	known := make(chan struct{})
	close(known)
	return known
}

func (p *standing) Leave() {
	p.a.set(func() { p.a.queue = slices.DeleteFunc(p.a.queue, func(q *standing) bool { return q == p }) })
}

var _ Backend = (*alone)(nil)

// eventually waits for a condition that other goroutines bring about.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never came: %s", what)
		}
	}
}

func (a *alone) Digest() (uint64, string, error) { return 0, "none", nil }

func (a *alone) Backup(context.Context) (*fsm.Frozen, backup.Header, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.noLeader {
		return nil, backup.Header{}, ErrNoLeader
	}
	return a.state.Freeze(), backup.Header{Cluster: "test", Index: a.state.Index(), Keys: a.state.Keys()}, nil
}

func (a *alone) Scratch() (*os.File, error) { return os.CreateTemp(a.scratch, "") }

// Restore reads the backup and keeps it for the test.
func (a *alone) Restore(_ context.Context, f io.ReadSeeker, force bool) (backup.Header, error) {
	h, err := backup.Read(f)
	if err != nil {
		return h, err
	}
	state, err := fsm.Decode(f)
	if err != nil {
		return h, err
	}
	a.set(func() { a.restored, a.forced = state, force })
	return h, nil
}
