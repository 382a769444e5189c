package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// leaderProcess returns the leader's pod, and its process on the node.
func (s *suite) leaderProcess(ctx context.Context) (pod, pid string, restarts int32, err error) {
	if pod, err = s.on.leader(ctx); err != nil {
		return "", "", 0, err
	}
	p, err := s.kube.CoreV1().Pods(s.kube.namespace).Get(ctx, pod, meta.GetOptions{})
	if err != nil {
		return "", "", 0, err
	}
	status := p.Status.ContainerStatuses[0]
	pid, err = s.kit.pid(ctx, status.ContainerID)
	return pod, pid, status.RestartCount, err
}

// kill kills the leader's process; its container is started again.
func kill(ctx context.Context, s *suite) (string, error) {
	pod, pid, before, err := s.leaderProcess(ctx)
	if err != nil {
		return "", err
	}
	if _, err := s.kit.run(ctx, "enter", "kill", "-9", pid); err != nil {
		return "", err
	}
	return "", until(ctx, pod+" to be started again", func() error {
		p, err := s.kube.CoreV1().Pods(s.kube.namespace).Get(ctx, pod, meta.GetOptions{})
		if err == nil && p.Status.ContainerStatuses[0].RestartCount == before {
			err = errors.New("it has not restarted")
		}
		return err
	})
}

// hole are the rules that swallow every packet of a network.
const hole = "add table inet hole; " +
	"add chain inet hole in { type filter hook input priority 0; policy drop; }; " +
	"add chain inet hole out { type filter hook output priority 0; policy drop; }"

// blackHole cuts the leader off in its own network namespace, so that nobody
// hears of it, not even by a connection's end.
func blackHole(ctx context.Context, s *suite) (string, error) {
	pod, pid, _, err := s.leaderProcess(ctx)
	if err != nil {
		return "", err
	}
	nft := func(rules string) error {
		_, err := s.kit.run(ctx, "enter", "nsenter", "-t", pid, "-n", "nft", rules)
		return err
	}
	if err := nft(hole); err != nil {
		return "", err
	}
	s.say("black-hole: %s is cut off", pod)
	began := time.Now()
	elected := until(ctx, "another leader", func() error {
		pods, err := s.on.pods(ctx, s.on.name)
		if err != nil {
			return err
		}
		for _, p := range pods {
			if p.Labels["trivet.dev/role"] == "leader" && p.Name != pod {
				return nil
			}
		}
		return errors.New("no other pod has the label")
	})
	took := time.Since(began)
	select {
	case <-time.After(15*time.Second - took):
	case <-ctx.Done():
	}
	if err := errors.Join(elected, nft("delete table inet hole")); err != nil {
		return "", err
	}
	return fmt.Sprintf("leader Service moved in %.1f s", took.Seconds()), nil
}
