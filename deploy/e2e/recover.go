package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// recoverQuorum takes the disks of both followers away, so that there is no
// quorum any more, and lets the leader's go on, which has all that was
// acknowledged.
func recoverQuorum(ctx context.Context, s *suite) (string, error) {
	r := s.on
	left, err := r.leader(ctx)
	if err != nil {
		return "", err
	}
	lost, err := r.followers(ctx)
	if err != nil {
		return "", err
	}
	if err := r.loseDisks(ctx, lost...); err != nil {
		return "", err
	}
	if err := s.isLost(ctx); err != nil {
		return "", err
	}
	began := time.Now()
	r.set["recover.pod"], r.set["recover.token"] = left, fmt.Sprint("e2e-", began.Unix())
	if err := r.apply(ctx, false, "--no-hooks"); err != nil {
		return "", err
	}
	if err := r.CoreV1().Pods(r.namespace).Delete(ctx, left, meta.DeleteOptions{}); err != nil {
		return "", err
	}
	if err := until(ctx, "all to join "+left, func() error { return r.joined(ctx) }); err != nil {
		return "", err
	}
	took := time.Since(began)
	s.say("recover: three members again after %.1f s", took.Seconds())
	delete(r.set, "recover.pod")
	delete(r.set, "recover.token")
	return fmt.Sprintf("recovered in %.0f s", took.Seconds()), r.apply(ctx, true)
}

// isLost checks that no pod is ready for some seconds, so that there is
// something to recover from.
func (s *suite) isLost(ctx context.Context) error {
	time.Sleep(5 * time.Second)
	pods, err := s.on.pods(ctx, s.on.name)
	for _, p := range pods {
		if isReady(p) {
			err = errors.Join(err, fmt.Errorf("%s is ready though the quorum is lost", p.Name))
		}
	}
	return err
}

// joined tells why not all pods are ready and members.
func (r *release) joined(ctx context.Context) error {
	pods, err := r.pods(ctx, r.name)
	if err != nil {
		return err
	}
	if len(pods) != replicas {
		return fmt.Errorf("there are %d pods", len(pods))
	}
	for _, p := range pods {
		if !isReady(p) {
			return fmt.Errorf("%s is not ready", p.Name)
		}
	}
	return r.membersSettled(ctx, pods)
}
