package node

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/node/server"
	"github.com/trivetdb/trivet/resp"
)

// A script is a proposer with a leader that does what the test says, on a
// state that applies what it is sent. Time is virtual.
type script struct {
	*proposer
	stop    chan struct{}
	mu      sync.Mutex
	state   *fsm.State
	index   uint64
	sent    []sending
	answers []func(context.Context, *fsm.Batch) (uint64, fsm.Result, error) // the last one is repeated
}

type sending struct {
	to    leader
	seq   uint64
	bytes int
	at    time.Time
}

var leaderA, leaderB = leader{"a", "a:1"}, leader{"b", "b:1"}

// scripted runs f in a bubble with a proposer whose leader is a.
func scripted(t *testing.T, f func(t *testing.T, s *script)) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{state: fsm.NewStateAt(fsm.NewestLevel), stop: make(chan struct{})}
		s.proposer = newProposer(fsm.Origin{ID: 7, Life: 1}, newLeaders(), s.answer)
		s.leaders.set(leaderA)
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.run(s.stop)
		}()
		defer func() {
			select {
			case <-s.stop:
			default:
				close(s.stop)
			}
			<-done
		}()
		f(t, s)
	})
}

func (s *script) answer(ctx context.Context, to leader, b *fsm.Batch) (uint64, fsm.Result, error) {
	s.mu.Lock()
	s.sent = append(s.sent, sending{to, b.Seq, len(b.Body), time.Now()})
	next := s.apply
	if len(s.answers) > 0 {
		next = s.answers[0]
		if len(s.answers) > 1 {
			s.answers = s.answers[1:]
		}
	}
	s.mu.Unlock()
	return next(ctx, b)
}

// What a leader can do to a batch.

func (s *script) apply(_ context.Context, b *fsm.Batch) (uint64, fsm.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index++
	results, err := s.state.Apply(s.index, fsm.Entry{Time: 1, Batches: []fsm.Batch{*b}})
	if err != nil {
		return 0, fsm.Result{}, err
	}
	return s.index, results[0], nil
}

func (s *script) loseAnswer(ctx context.Context, b *fsm.Batch) (uint64, fsm.Result, error) {
	s.apply(ctx, b)
	return 0, fsm.Result{}, errMaybe
}

func loseRequest(context.Context, *fsm.Batch) (uint64, fsm.Result, error) {
	return 0, fsm.Result{}, errMaybe
}

func notLeading(context.Context, *fsm.Batch) (uint64, fsm.Result, error) {
	return 0, fsm.Result{}, fmt.Errorf("asked in vain: %w", errNotProposed)
}

// silent never answers.
func silent(ctx context.Context, _ *fsm.Batch) (uint64, fsm.Result, error) {
	<-ctx.Done()
	return 0, fsm.Result{}, errMaybe
}

// breaks is silent until the link notices.
func breaks(ctx context.Context, _ *fsm.Batch) (uint64, fsm.Result, error) {
	pause(ctx, 3*time.Second)
	return 0, fsm.Result{}, errMaybe
}

func command(args ...string) *fsm.Group {
	g := &fsm.Group{}
	raw := make([][]byte, len(args))
	for i, a := range args {
		raw[i] = []byte(a)
	}
	g.Add(fsm.Lookup(args[0]), raw, nil)
	return g
}

// incr sends one INCR and returns its reply.
func (s *script) incr() (int64, error) {
	replies, _, err := s.write(context.Background(), 0, command("INCR", "n"))
	if err != nil {
		return 0, err
	}
	return replies[0].Int, nil
}

func (s *script) value() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.Read(fsm.Request{Command: fsm.Lookup("GET"), Args: [][]byte{[]byte("GET"), []byte("n")}}).Str
}

func TestProposerExactlyOnce(t *testing.T) {
	type answers = []func(context.Context, *fsm.Batch) (uint64, fsm.Result, error)
	for name, make := range map[string]func(*script) answers{
		"at once":                func(s *script) answers { return answers{s.apply} },
		"answer lost":            func(s *script) answers { return answers{s.loseAnswer, s.apply} },
		"answers lost":           func(s *script) answers { return answers{s.loseAnswer, s.loseAnswer, s.loseAnswer, s.apply} },
		"request lost":           func(s *script) answers { return answers{loseRequest, s.apply} },
		"not proposed":           func(s *script) answers { return answers{notLeading, notLeading, s.apply} },
		"lost, then no leader":   func(s *script) answers { return answers{s.loseAnswer, notLeading, notLeading, s.apply} },
		"no leader, then lost":   func(s *script) answers { return answers{notLeading, s.loseAnswer, s.apply} },
		"a leader falls silent":  func(s *script) answers { return answers{silent, s.apply} },
		"lost for a long time":   func(s *script) answers { return answers{loseRequest, breaks, loseRequest, s.apply} },
		"applied, silent, again": func(s *script) answers { return answers{s.loseAnswer, breaks, s.apply} },
	} {
		t.Run(name, func(t *testing.T) {
			scripted(t, func(t *testing.T, s *script) {
				s.answers = make(s)
				for want := int64(1); want <= 3; want++ {
					if got, err := s.incr(); got != want || err != nil {
						t.Fatalf("INCR number %d: %d, %v", want, got, err)
					}
				}
				if got := s.value(); got != "3" {
					t.Errorf("the counter is %s after 3 increments", got)
				}
			})
		})
	}
}

// TestProposerChance has many sessions increment one counter while the leader
// does one thing or the other.
func TestProposerChance(t *testing.T) {
	for seed := range uint64(20) {
		scripted(t, func(t *testing.T, s *script) {
			chance := rand.New(rand.NewPCG(seed, 0))
			s.answers = []func(context.Context, *fsm.Batch) (uint64, fsm.Result, error){
				func(ctx context.Context, b *fsm.Batch) (uint64, fsm.Result, error) {
					time.Sleep(time.Duration(chance.IntN(3)) * time.Millisecond)
					switch chance.IntN(8) {
					case 0:
						return s.loseAnswer(ctx, b)
					case 1:
						return loseRequest(ctx, b)
					case 2, 3:
						return notLeading(ctx, b)
					}
					return s.apply(ctx, b)
				},
			}
			seen := make(chan int64, 1000)
			var wait sync.WaitGroup
			for range 20 {
				wait.Go(func() {
					for last := int64(0); len(seen) < 500; {
						n, err := s.incr()
						if err != nil || n <= last {
							t.Errorf("%d after %d, %v", n, last, err)
						}
						last = n
						seen <- n
					}
				})
			}
			wait.Wait()
			close(seen)
			once := map[int64]bool{}
			for n := range seen {
				once[n] = true
			}
			if got := s.value(); got != fmt.Sprint(len(once)) || s.resent.Load() == 0 {
				t.Errorf("the counter is %s after %d different replies, %d batches sent again", got, len(once), s.resent.Load())
			}
		})
	}
}

func TestProposerSuperseded(t *testing.T) {
	scripted(t, func(t *testing.T, s *script) {
		s.answers = append(s.answers, func(context.Context, *fsm.Batch) (uint64, fsm.Result, error) {
			return 9, fsm.Result{Outcome: fsm.Superseded}, nil
		})
		if _, err := s.incr(); !errors.Is(err, server.ErrUnknown) {
			t.Errorf("superseded: %v", err)
		}
	})
}

// TestProposerFewReplies is answered with less than it asked for, as a node that
// was taken out of the cluster meanwhile is.
func TestProposerFewReplies(t *testing.T) {
	scripted(t, func(t *testing.T, s *script) {
		s.answers = append(s.answers, func(context.Context, *fsm.Batch) (uint64, fsm.Result, error) {
			return 9, fsm.Result{Outcome: fsm.Replayed}, nil
		})
		if _, err := s.incr(); !errors.Is(err, server.ErrUnknown) {
			t.Errorf("no reply: %v", err)
		}
	})
}

// TestProposerFollowsLeader has the leader change in the middle of a call that
// it never answers.
func TestProposerFollowsLeader(t *testing.T) {
	scripted(t, func(t *testing.T, s *script) {
		s.answers = append(s.answers, silent, s.apply)
		time.AfterFunc(300*time.Millisecond, func() { s.leaders.set(leader{}) })
		time.AfterFunc(900*time.Millisecond, func() { s.leaders.set(leaderB) })
		began := time.Now()
		n, err := s.incr()
		if took := time.Since(began); n != 1 || err != nil || took < 900*time.Millisecond || took > 950*time.Millisecond {
			t.Errorf("%d, %v after %v", n, err, took)
		}
		if len(s.sent) != 2 || s.sent[0].to != leaderA || s.sent[1].to != leaderB || s.sent[0].seq != s.sent[1].seq {
			t.Errorf("sent %v", s.sent)
		}
	})
}

func TestProposerWithoutLeader(t *testing.T) {
	scripted(t, func(t *testing.T, s *script) {
		s.leaders.set(leader{})
		began := time.Now()
		var wait sync.WaitGroup
		for i := range 5 {
			wait.Go(func() {
				time.Sleep(time.Duration(i) * 100 * time.Millisecond)
				asked := time.Now()
				_, err := s.incr()
				if took := time.Since(asked); !errors.Is(err, server.ErrNoLeader) || took > holdUnsent {
					t.Errorf("write %d: %v after %v", i, err, took)
				}
			})
		}
		wait.Wait()
		if took := time.Since(began); took < holdUnsent || len(s.sent) > 0 {
			t.Errorf("gave up after %v, %d sent", took, len(s.sent))
		}
		s.leaders.set(leaderA)
		if n, err := s.incr(); n != 1 || err != nil {
			t.Errorf("with a leader: %d, %v", n, err)
		}
	})
}

// TestProposerUnknown sends a batch that nobody answers any more. Its session
// hears so after holdSent; those that wait behind it were surely not sent, and
// hear so after holdBehind.
func TestProposerUnknown(t *testing.T) {
	for name, lost := range map[string]func(context.Context, *fsm.Batch) (uint64, fsm.Result, error){
		"silent": silent, "always lost": loseRequest,
	} {
		t.Run(name, func(t *testing.T) {
			scripted(t, func(t *testing.T, s *script) {
				s.answers = append(s.answers, lost)
				began := time.Now()
				first := make(chan error)
				go func() {
					_, err := s.incr()
					first <- err
				}()
				time.Sleep(time.Second)
				_, err := s.incr()
				if took := time.Since(began); !errors.Is(err, server.ErrNoLeader) || took != time.Second+holdBehind {
					t.Errorf("the write behind: %v after %v", err, took)
				}
				err = <-first
				if took := time.Since(began); !errors.Is(err, server.ErrUnknown) || took != holdSent {
					t.Errorf("the write sent: %v after %v", err, took)
				}
				if tries := len(s.sent); tries > int(holdSent/retryPause)+1 {
					t.Errorf("sent %d times in %v", tries, holdSent)
				}
				s.mu.Lock()
				s.answers = nil
				s.mu.Unlock()
				if n, err := s.incr(); n != 1 || err != nil || s.sent[len(s.sent)-1].seq != 2 {
					t.Errorf("the next batch: %d, %v, %v", n, err, s.sent[len(s.sent)-1])
				}
			})
		})
	}
}

func TestProposerStops(t *testing.T) {
	for name, test := range map[string]struct {
		now  leader
		want error
	}{
		"without a leader": {leader{}, server.ErrNoLeader},
		"with a batch out": {leaderA, server.ErrUnknown},
	} {
		t.Run(name, func(t *testing.T) {
			scripted(t, func(t *testing.T, s *script) {
				s.answers = append(s.answers, silent)
				s.leaders.set(test.now)
				began := time.Now()
				errs := make(chan error, 2)
				try := func() {
					_, err := s.incr()
					errs <- err
				}
				go try()
				synctest.Wait()
				go try() // waits for its batch
				synctest.Wait()
				close(s.stop)
				got := []error{<-errs, <-errs}
				if errors.Is(got[0], server.ErrNoLeader) {
					got[0], got[1] = got[1], got[0]
				}
				if !errors.Is(got[0], test.want) || !errors.Is(got[1], server.ErrNoLeader) || time.Since(began) > 0 {
					t.Errorf("%v after %v", got, time.Since(began))
				}
				if _, err := s.incr(); !errors.Is(err, server.ErrNoLeader) {
					t.Errorf("after the end: %v", err)
				}
			})
		})
	}
}

// TestProposerBatches fills the queue while a batch is out: what waits shares
// batches up to maxEntry, in order, and each session gets its own replies.
func TestProposerBatches(t *testing.T) {
	scripted(t, func(t *testing.T, s *script) {
		gate := make(chan struct{})
		s.answers = append(s.answers, func(ctx context.Context, b *fsm.Batch) (uint64, fsm.Result, error) {
			<-gate
			return s.apply(ctx, b)
		})
		var wait sync.WaitGroup
		sizes := []int{10, 100_000, 100_000, 100_000, 600_000, 10, 200_000, 50_000}
		for i, size := range sizes {
			wait.Go(func() {
				value := strings.Repeat(string(rune('a'+i)), size)
				g := command("SET", fmt.Sprint(i), value)
				g.Add(fsm.Lookup("GETSET"), [][]byte{[]byte("GETSET"), []byte(fmt.Sprint(i)), []byte("new")}, nil)
				replies, _, err := s.write(context.Background(), i, g)
				if err != nil || len(replies) != 2 || replies[0].Str != resp.OK.Str || replies[1].Str != value {
					t.Errorf("write %d: %d replies, %v", i, len(replies), err)
				}
			})
			synctest.Wait()
		}
		close(gate)
		wait.Wait()
		var got []int
		for _, b := range s.sent {
			got = append(got, b.bytes/1000)
		}
		// 10 | 100k 100k | 100k | 600k, alone and too large | 10 200k 50k
		if fmt.Sprint(got) != "[0 200 100 600 250]" {
			t.Errorf("batches of %v thousand bytes", got)
		}
	})
}

// What an entry had no room for goes into the next batch, ahead of all others; each
// write gets the replies to all of its commands, in their order.
func TestProposerShortBatches(t *testing.T) {
	scripted(t, func(t *testing.T, s *script) {
		// A leader that carries out two commands of each batch.
		s.answers = []func(context.Context, *fsm.Batch) (uint64, fsm.Result, error){s.shorten}
		var wait sync.WaitGroup
		for i := range 5 {
			wait.Go(func() {
				g := &fsm.Group{}
				for range 3 {
					g.Add(fsm.Lookup("APPEND"), [][]byte{nil, fmt.Append(nil, i), []byte("x")}, nil)
				}
				replies, _, err := s.write(context.Background(), 0, g)
				if err != nil || len(replies) != 3 {
					t.Errorf("write %d: %v, %v", i, replies, err)
					return
				}
				for n, v := range replies {
					if v.Int != int64(n+1) {
						t.Errorf("write %d: command %d answers %d", i, n, v.Int)
					}
				}
			})
		}
		wait.Wait()
		if n := s.batches.Load(); n < 8 {
			t.Errorf("15 commands, two a batch, took %d batches", n)
		}
	})
}

// shorten applies the first two commands of a batch.
func (s *script) shorten(_ context.Context, b *fsm.Batch) (uint64, fsm.Result, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.index++
	cut := *b
	cut.Body = firstCommands(b.Body, 2)
	results, err := s.state.Apply(s.index, fsm.Entry{Time: 1, Batches: []fsm.Batch{cut}})
	if err != nil {
		return 0, fsm.Result{}, err
	}
	return s.index, results[0], nil
}

// firstCommands returns a body of the first n commands of a body.
func firstCommands(body []byte, n int) []byte {
	var out []byte
	for len(body) > 0 && n > 0 {
		db := body[0]
		count, size := binary.Uvarint(body[1:])
		body = body[1+size:]
		take := min(int(count), n)
		var commands []byte
		for i := range int(count) {
			begin := body
			argc, size := binary.Uvarint(body)
			body = body[size:]
			for range argc {
				head, size := binary.Uvarint(body)
				body = body[size+int(head>>1):]
			}
			if i < take {
				commands = append(commands, begin[:len(begin)-len(body)]...)
			}
		}
		out = append(binary.AppendUvarint(append(out, db), uint64(take)), commands...)
		n -= take
	}
	return out
}

// A write whose entry, or those ahead of it, take long waits for as long as the
// leader gets on; its connection is not closed by the clock.
func TestProposerWaitsForWork(t *testing.T) {
	scripted(t, func(t *testing.T, s *script) {
		asked := 0
		s.works = func(_ context.Context, to leader) bool {
			asked++
			return to == leaderA && asked <= 5
		}
		s.answers = append(s.answers, silent)
		time.AfterFunc(35*time.Second, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.answers = []func(context.Context, *fsm.Batch) (uint64, fsm.Result, error){s.apply}
		})
		began := time.Now()
		if n, err := s.incr(); n != 1 || err != nil {
			t.Errorf("%d, %v after %v", n, err, time.Since(began))
		}
		if asked < 3 {
			t.Errorf("the leader was asked %d times", asked)
		}
		// One that does not get on is given up.
		s.mu.Lock()
		s.answers = []func(context.Context, *fsm.Batch) (uint64, fsm.Result, error){silent}
		s.mu.Unlock()
		asked, began = 100, time.Now()
		if _, err := s.incr(); !errors.Is(err, server.ErrUnknown) || time.Since(began) > holdSent+time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}
