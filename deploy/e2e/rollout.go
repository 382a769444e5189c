package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// upgrade changes the image and a setting.
func upgrade(ctx context.Context, s *suite) (string, error) {
	_, tag, _ := cutLast(s.upgradeImage, ":")
	s.on.set["image.tag"] = tag
	s.on.set["server.logLevel"] = "debug"
	if err := s.on.apply(ctx, true); err != nil {
		return "", err
	}
	return s.rolledTo(ctx, s.upgradeImage)
}

// rollback goes back to the revision before.
func rollback(ctx context.Context, s *suite) (string, error) {
	_, tag, _ := cutLast(s.image, ":")
	s.on.set["image.tag"] = tag
	delete(s.on.set, "server.logLevel")
	if out, err := s.on.helm(ctx, "history", s.on.name, "--max", "2"); err != nil {
		return "", err
	} else if strings.Count(out, "\n") < 3 { // the upgrade was not among the events
		if _, err := upgrade(ctx, s); err != nil {
			return "", err
		}
		s.on.set["image.tag"] = tag
		delete(s.on.set, "server.logLevel")
	}
	if _, err := s.on.helm(ctx, "rollback", s.on.name, "--wait", "--timeout", "5m"); err != nil {
		return "", err
	}
	return s.rolledTo(ctx, s.image)
}

// rolledTo waits for the end of a rollout and checks what the pods run.
func (s *suite) rolledTo(ctx context.Context, image string) (string, error) {
	if err := s.on.settled(ctx, replicas); err != nil {
		return "", err
	}
	pods, err := s.on.pods(ctx, s.on.name)
	for _, p := range pods {
		if got := p.Spec.Containers[0].Image; got != image {
			err = fmt.Errorf("%s runs %s, not %s", p.Name, got, image)
		}
	}
	return "", err
}

// scale grows to five and shrinks to three.
func scale(ctx context.Context, s *suite) (string, error) {
	s.on.set["replicas"] = "5"
	defer delete(s.on.set, "replicas")
	began := time.Now()
	if err := s.on.apply(ctx, true); err != nil {
		return "", err
	}
	if err := s.on.settled(ctx, 5); err != nil {
		return "", err
	}
	grown := time.Since(began)
	s.say("scale: five nodes after %.1f s", grown.Seconds())
	began = time.Now()
	s.on.set["replicas"] = "3"
	if err := s.on.apply(ctx, true); err != nil {
		return "", err
	}
	err := s.on.settled(ctx, replicas)
	return fmt.Sprintf("grown in %.0f s, shrunk in %.0f s", grown.Seconds(), time.Since(began).Seconds()), err
}
