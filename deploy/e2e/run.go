package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/trivetdb/trivet/deploy/e2e/load"
)

// A suite is one run of the events.
type suite struct {
	options
	kube   *kube
	on     *release // that clients write to
	writer *writer
	tls    *tlsRelease // of the event tls
	parts  load.Report // of the event under way, where its clients rested meanwhile
	out    io.Writer
	began  time.Time
	rows   []row
}

// A row is what an event came to.
type row struct {
	event string
	took  time.Duration
	seen  load.Report
	note  string
	err   error
}

// say prints a line of progress with the time since the start.
func (s *suite) say(format string, args ...any) {
	fmt.Fprintf(s.out, "%7.1fs  %s\n", time.Since(s.began).Seconds(), fmt.Sprintf(format, args...))
}

// run installs the chart, lets the events happen, and takes all away again.
func (s *suite) run(ctx context.Context) error {
	if err := s.kube.makeNamespace(ctx); err != nil {
		return err
	}
	err := s.play(ctx)
	if err != nil {
		s.diagnose(context.WithoutCancel(ctx))
	}
	if s.keep {
		return err
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Minute)
	defer cancel()
	return errors.Join(err, s.kube.deleteNamespace(end))
}

// play runs the events in order. One that fails does not stop the others,
// unless the cluster is not whole again after it.
func (s *suite) play(ctx context.Context) error {
	var err error
	if s.writer, err = startWriter(ctx, s.kube, s.toolsImage); err != nil {
		return err
	}
	if err := s.install(ctx); err != nil {
		return err
	}
	if err := s.turnTo(ctx, s.on); err != nil {
		return err
	}
	var faults error
	for _, e := range events {
		switch {
		case len(s.only) > 0 && !slices.Contains(s.only, e.name):
			continue
		case e.kit && s.kit.dir == "":
			s.say("%s: NOT RUN, it needs --kit", e.name)
			continue
		}
		whole, err := s.happen(ctx, e)
		if err != nil {
			s.say("%s: FAILED: %v", e.name, err)
			faults = errors.Join(faults, fmt.Errorf("%s: %w", e.name, err))
		}
		if !whole {
			return faults
		}
	}
	all, err := s.writer.check(ctx)
	if err == nil {
		err = faulty(all)
		s.say("all rounds once more: %d writes acknowledged, %d lost, %d doubled", all.Acked, all.Lost, all.Doubled)
	}
	return errors.Join(faults, err)
}

// turnTo sends the clients to a release, and waits until all of them write: a
// Service leads to its pods a moment after they are ready.
func (s *suite) turnTo(ctx context.Context, r *release) error {
	s.on = r
	if err := s.writer.configure(ctx, r, s.clients); err != nil {
		return err
	}
	if _, err := s.writer.next(ctx, "warm-up"); err != nil {
		return err
	}
	time.Sleep(2 * time.Second)
	seen, err := s.writer.next(ctx, "")
	return errors.Join(err, faulty(seen))
}

// rest lets the clients rest in the middle of an event.
func (s *suite) rest(ctx context.Context) error {
	seen, err := s.writer.next(ctx, "")
	s.parts.Add(seen)
	return err
}

// happen lets one event happen under load, and judges what clients saw. whole
// is false where the cluster cannot be used for the next.
func (s *suite) happen(ctx context.Context, e event) (whole bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	s.say("%s: %s", e.name, e.about)
	if e.before != nil {
		if err := e.before(ctx, s); err != nil {
			return false, err
		}
	}
	s.parts = load.Report{}
	if _, err := s.writer.next(ctx, e.name); err != nil {
		return false, err
	}
	time.Sleep(time.Second) // all clients are at work
	began := time.Now()
	note, fault := e.run(ctx, s)
	took := time.Since(began)
	if err := s.on.settled(ctx, replicas); err != nil {
		s.rows = append(s.rows, row{event: e.name, took: took, err: errors.Join(fault, err)})
		return false, errors.Join(fault, err)
	}
	s.say("%s: whole again after %.1f s", e.name, time.Since(began).Seconds())
	time.Sleep(time.Second)
	if err := s.rest(ctx); err != nil {
		return false, errors.Join(fault, err)
	}
	seen := s.parts
	fault = errors.Join(fault, faulty(seen), e.judge(seen))
	for _, target := range []string{"trivet", "leader"} {
		for text, n := range seen.At(target).Errors {
			s.say("%s: through %s, %d times: %s", e.name, target, n, text)
		}
	}
	s.rows = append(s.rows, row{event: e.name, took: took, seen: seen, note: note, err: fault})
	if e.after != nil {
		if err := e.after(ctx, s); err != nil {
			return false, errors.Join(fault, err)
		}
	}
	return true, fault
}

// judge compares what clients saw with the event's bounds.
func (e event) judge(seen load.Report) (err error) {
	at := seen.At("trivet")
	if e.pause > 0 && at.Pause > e.pause {
		err = fmt.Errorf("a client of trivet waited %.1f s, more than %v", at.Pause.Seconds(), e.pause)
	}
	if e.calm && at.Plain+at.Default > 0 {
		err = errors.Join(err, fmt.Errorf("clients of trivet saw %d errors", at.Plain+at.Default))
	}
	if e.steady && at.Default > 0 {
		err = errors.Join(err, fmt.Errorf("clients of trivet saw %d errors though they try again", at.Default))
	}
	if seen.Acked == 0 {
		err = errors.Join(err, errors.New("no write was acknowledged"))
	}
	return err
}

// install is the first event. Nobody can write before it is over.
func (s *suite) install(ctx context.Context) error {
	s.say("install: helm install, until three nodes are ready")
	began := time.Now()
	err := s.on.apply(ctx, true)
	took := time.Since(began)
	if err == nil {
		err = s.on.settled(ctx, replicas)
	}
	if err == nil && took > installTime {
		err = fmt.Errorf("it took %v, more than %v", took, installTime)
	}
	s.say("install: three nodes are ready after %.1f s", took.Seconds())
	s.rows = append(s.rows, row{event: "install", took: took, err: err})
	return err
}
