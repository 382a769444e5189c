package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const httpPort = 8379

// A release is one installation of the chart. Its name contains "trivet", so
// that all objects are named after it.
type release struct {
	*kube
	name  string
	store string            // names the data that it holds; see load.Config
	ca    string            // PEM of the authority, where clients speak TLS
	chart string            // directory
	set   map[string]string // values that differ from the chart's
}

// helm runs helm for the release's namespace and shows what it says where it
// fails.
func (r *release) helm(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "helm", append(args, "--namespace", r.namespace)...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("helm %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return string(out), nil
}

// apply installs the release, or upgrades it to the values in set. Helm waits
// for pods only where wait says so.
func (r *release) apply(ctx context.Context, wait bool, flags ...string) error {
	args := append([]string{"upgrade", "--install", r.name, r.chart, "--timeout", "5m"}, flags...)
	if wait {
		args = append(args, "--wait")
	}
	for _, key := range slices.Sorted(maps.Keys(r.set)) {
		args = append(args, "--set", key+"="+r.set[key])
	}
	_, err := r.helm(ctx, args...)
	return err
}

// uninstall removes the release with its nodes' claims, and waits for its pods to go.
func (r *release) uninstall(ctx context.Context) error {
	if _, err := r.helm(ctx, "uninstall", r.name, "--wait", "--timeout", "3m"); err != nil {
		return err
	}
	if err := until(ctx, "the pods to be gone", func() error {
		pods, err := r.pods(ctx, r.name)
		if err == nil && len(pods) > 0 {
			err = fmt.Errorf("%d are left", len(pods))
		}
		return err
	}); err != nil {
		return err
	}
	return r.CoreV1().PersistentVolumeClaims(r.namespace).DeleteCollection(ctx, meta.DeleteOptions{},
		meta.ListOptions{LabelSelector: "app.kubernetes.io/component=node,app.kubernetes.io/instance=" + r.name})
}

// password returns the one that the chart has made.
func (r *release) password(ctx context.Context) (string, error) {
	s, err := r.CoreV1().Secrets(r.namespace).Get(ctx, r.name, meta.GetOptions{})
	if err != nil {
		return "", err
	}
	return string(s.Data["password"]), nil
}

// leader returns the pod that leads, by what the nodes say.
func (r *release) leader(ctx context.Context) (string, error) {
	name := ""
	err := until(ctx, "a leader", func() error {
		pods, err := r.pods(ctx, r.name)
		if err != nil {
			return err
		}
		err = errors.New("there is no pod")
		for _, p := range pods {
			var s nodeStatus
			if s, err = r.status(ctx, p.Name); err != nil {
				continue
			}
			for _, m := range s.Members {
				if m.Role == "leader" && m.Alive {
					name = m.Name
					return nil
				}
			}
			err = fmt.Errorf("%s knows of none", p.Name)
		}
		return err
	})
	return name, err
}

// followers returns the pods that do not lead.
func (r *release) followers(ctx context.Context) ([]string, error) {
	leader, err := r.leader(ctx)
	if err != nil {
		return nil, err
	}
	pods, err := r.pods(ctx, r.name)
	var names []string
	for _, p := range pods {
		if p.Name != leader {
			names = append(names, p.Name)
		}
	}
	return names, err
}

// settled waits until n pods are ready, the members are those pods, all with a
// vote and none far behind, the leader Service is the leader's, and no rollout
// is under way.
func (r *release) settled(ctx context.Context, n int) error {
	ctx, cancel := context.WithTimeout(ctx, 4*time.Minute)
	defer cancel()
	return until(ctx, fmt.Sprintf("%d settled nodes", n), func() error { return r.unsettled(ctx, n) })
}

func (r *release) unsettled(ctx context.Context, n int) error {
	s, err := r.AppsV1().StatefulSets(r.namespace).Get(ctx, r.name, meta.GetOptions{})
	switch {
	case err != nil:
		return err
	case s.Status.ObservedGeneration < s.Generation, s.Status.UpdateRevision != s.Status.CurrentRevision && s.Status.UpdatedReplicas != int32(n):
		return errors.New("a rollout is under way")
	}
	pods, err := r.pods(ctx, r.name)
	if err != nil {
		return err
	}
	if len(pods) != n {
		return fmt.Errorf("there are %d pods", len(pods))
	}
	var leader core.Pod
	for _, p := range pods {
		if !isReady(p) {
			return fmt.Errorf("%s is not ready", p.Name)
		}
		if role := p.Labels["trivet.dev/role"]; role == "leader" {
			leader = p
		}
	}
	if err := r.membersSettled(ctx, pods); err != nil {
		return err
	}
	return r.serviceFollows(ctx, leader)
}

func (r *release) membersSettled(ctx context.Context, pods []core.Pod) error {
	s, err := r.status(ctx, pods[0].Name)
	if err != nil {
		return err
	}
	if len(s.Members) != len(pods) {
		return fmt.Errorf("the cluster has %d members", len(s.Members))
	}
	for _, m := range s.Members {
		if !m.Voter || !m.Alive || m.Lag > 1000 {
			return fmt.Errorf("the member %s: voter %v, alive %v, lag %d", m.Name, m.Voter, m.Alive, m.Lag)
		}
		if !slices.ContainsFunc(pods, func(p core.Pod) bool { return p.Name == m.Name }) {
			return fmt.Errorf("the member %s has no pod", m.Name)
		}
		if m.Role == "leader" && labelOf(pods, m.Name) != "leader" {
			return fmt.Errorf("the leader %s has the label %q", m.Name, labelOf(pods, m.Name))
		}
	}
	return nil
}

func labelOf(pods []core.Pod, name string) string {
	for _, p := range pods {
		if p.Name == name {
			return p.Labels["trivet.dev/role"]
		}
	}
	return ""
}

// serviceFollows tells why the leader Service does not lead to the leader.
func (r *release) serviceFollows(ctx context.Context, leader core.Pod) error {
	slices, err := r.DiscoveryV1().EndpointSlices(r.namespace).List(ctx, meta.ListOptions{
		LabelSelector: discovery.LabelServiceName + "=" + r.name + "-leader",
	})
	if err != nil {
		return err
	}
	var names []string
	for _, s := range slices.Items {
		for _, e := range s.Endpoints {
			if e.TargetRef != nil && e.Conditions.Ready != nil && *e.Conditions.Ready {
				names = append(names, e.TargetRef.Name)
			}
		}
	}
	if len(names) != 1 || names[0] != leader.Name {
		return fmt.Errorf("the leader Service leads to %v, the leader is %s", names, leader.Name)
	}
	return nil
}

// deletePod deletes a pod as kubectl does, and waits for another in its place.
func (r *release) deletePod(ctx context.Context, name string) error {
	pods := r.CoreV1().Pods(r.namespace)
	old, err := pods.Get(ctx, name, meta.GetOptions{})
	if err != nil {
		return err
	}
	if err := pods.Delete(ctx, name, meta.DeleteOptions{}); err != nil {
		return err
	}
	return until(ctx, name+" to be replaced", func() error {
		p, err := pods.Get(ctx, name, meta.GetOptions{})
		if err == nil && p.UID == old.UID {
			err = errors.New("the old pod is there still")
		}
		return err
	})
}

// needHelm reports whether helm can be run.
func needHelm() error {
	if _, err := exec.LookPath("helm"); err != nil {
		return fmt.Errorf("helm is not in PATH (%s): install it, or use --kit", os.Getenv("PATH"))
	}
	return nil
}
