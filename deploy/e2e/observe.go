package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// scrape reads each pod's metrics as Prometheus would.
func scrape(ctx context.Context, s *suite) (string, error) {
	pods, err := s.on.pods(ctx, s.on.name)
	if err != nil {
		return "", err
	}
	families, leaders := 0, 0.0
	for _, p := range pods {
		text, err := s.kube.ask(ctx, "GET", p.Name, httpPort, "metrics", "", nil)
		if err != nil {
			return "", err
		}
		parser := expfmt.NewTextParser(model.UTF8Validation)
		found, err := parser.TextToMetricFamilies(bytes.NewReader(text))
		if err != nil {
			return "", fmt.Errorf("%s: %w", p.Name, err)
		}
		families = len(found)
		leads, ok := found["trivet_is_leader"]
		if !ok {
			return "", fmt.Errorf("%s has no trivet_is_leader among %d metrics", p.Name, families)
		}
		leaders += leads.GetMetric()[0].GetGauge().GetValue()
	}
	if leaders != 1 {
		return "", fmt.Errorf("%v nodes say that they lead", leaders)
	}
	return fmt.Sprintf("%d metrics", families), nil
}

// helmTest runs the chart's own test.
func helmTest(ctx context.Context, s *suite) (string, error) {
	_, err := s.on.helm(ctx, "test", s.on.name, "--timeout", "3m", "--logs")
	return "", err
}

// diagnose prints what is known of a cluster in which an event has failed.
func (s *suite) diagnose(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	pods, err := s.kube.CoreV1().Pods(s.kube.namespace).List(ctx, meta.ListOptions{})
	if err != nil {
		s.say("the pods: %v", err)
		return
	}
	for _, p := range pods.Items {
		s.say("pod %s: %s, ready %v, labels %v", p.Name, p.Status.Phase, isReady(p), p.Labels)
		for _, c := range slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses) {
			if c.State.Waiting != nil {
				s.say("  %s waits: %s %s", c.Name, c.State.Waiting.Reason, c.State.Waiting.Message)
			}
		}
		for _, c := range p.Status.Conditions {
			if c.Status == core.ConditionFalse && c.Message != "" {
				s.say("  not %s: %s", c.Type, c.Message)
			}
		}
		if log, err := s.lastLog(ctx, p.Name); err == nil {
			s.say("  its log ends:\n%s", log)
		}
	}
	events, err := s.kube.CoreV1().Events(s.kube.namespace).List(ctx, meta.ListOptions{FieldSelector: "type=Warning"})
	for _, e := range events.Items[max(0, len(events.Items)-20):] {
		s.say("warning for %s: %s", e.InvolvedObject.Name, e.Message)
	}
	if err != nil {
		s.say("the warnings: %v", err)
	}
}

func (s *suite) lastLog(ctx context.Context, pod string) (string, error) {
	log, err := s.kube.CoreV1().Pods(s.kube.namespace).GetLogs(pod, &core.PodLogOptions{TailLines: new(int64(15))}).DoRaw(ctx)
	if err == nil && len(bytes.TrimSpace(log)) == 0 {
		err = errors.New("it is empty")
	}
	return strings.TrimRight(string(log), "\n"), err
}
