package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/trivetdb/trivet/deploy/e2e/load"
)

// A writer is the pod that the clients run in.
type writer struct {
	*kube
	pod string
}

// startWriter starts the pod and waits until it listens.
func startWriter(ctx context.Context, k *kube, image string) (*writer, error) {
	w := &writer{kube: k, pod: "e2e-writer"}
	no, yes := false, true
	_, err := k.CoreV1().Pods(k.namespace).Create(ctx, &core.Pod{
		ObjectMeta: meta.ObjectMeta{Name: w.pod, Labels: map[string]string{"app": w.pod}},
		Spec: core.PodSpec{
			AutomountServiceAccountToken: &no,
			SecurityContext:              &core.PodSecurityContext{SeccompProfile: &core.SeccompProfile{Type: core.SeccompProfileTypeRuntimeDefault}},
			Containers: []core.Container{{
				Name: "writer", Image: image, Args: []string{"writer"},
				Resources: core.ResourceRequirements{Requests: core.ResourceList{core.ResourceCPU: resource.MustParse("100m")}},
				SecurityContext: &core.SecurityContext{
					RunAsNonRoot: &yes, RunAsUser: new(int64(65532)), AllowPrivilegeEscalation: &no, ReadOnlyRootFilesystem: &yes,
					Capabilities: &core.Capabilities{Drop: []core.Capability{"ALL"}},
				},
			}},
		},
	}, meta.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return w, until(ctx, "the writers' pod", func() error {
		_, err := k.ask(ctx, "GET", w.pod, load.Port, "ready", "", nil)
		return err
	})
}

// configure sends the clients to the Services of a release. They rest.
func (w *writer) configure(ctx context.Context, r *release, clients int) error {
	password, err := r.password(ctx)
	if err != nil {
		return err
	}
	host := "." + r.namespace + ".svc:6379"
	body, err := json.Marshal(load.Config{
		Store:    r.store,
		Targets:  map[string]string{"trivet": r.name + host, "leader": r.name + "-leader" + host},
		Password: password, CA: r.ca, Clients: clients,
	})
	if err != nil {
		return err
	}
	_, err = w.ask(ctx, "POST", w.pod, load.Port, "configure", "", body)
	return err
}

// serial returns the serial number of the certificate at an address.
func (w *writer) serial(ctx context.Context, addr string) (string, error) {
	b, err := w.ask(ctx, "POST", w.pod, load.Port, "serial", addr, nil)
	return string(b), err
}

// next ends the round under way, returns what was seen in it, and begins
// another; "" lets the clients rest.
func (w *writer) next(ctx context.Context, name string) (load.Report, error) {
	return w.report(ctx, "next", name)
}

// check checks all rounds that are over once more.
func (w *writer) check(ctx context.Context) (load.Report, error) {
	return w.report(ctx, "check", "")
}

func (w *writer) report(ctx context.Context, path, name string) (r load.Report, err error) {
	b, err := w.ask(ctx, "POST", w.pod, load.Port, path, name, nil)
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		return r, fmt.Errorf("the writers (%s): %w", path, err)
	}
	return r, nil
}

// faulty returns an error where a report has a write that was lost or doubled.
func faulty(r load.Report) error {
	if r.Lost+r.Doubled == 0 {
		return nil
	}
	err := fmt.Errorf("%d writes lost, %d doubled", r.Lost, r.Doubled)
	for _, f := range r.Faults {
		err = errors.Join(err, errors.New(f))
	}
	return err
}
