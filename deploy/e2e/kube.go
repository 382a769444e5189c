package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	core "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// A kube is one namespace of the cluster.
type kube struct {
	kubernetes.Interface
	config    *rest.Config
	namespace string
}

// openKube uses the current context, as kubectl does.
func openKube(namespace string) (*kube, error) {
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(
		clientcmd.NewDefaultClientConfigLoadingRules(), nil).ClientConfig()
	if err != nil {
		return nil, fmt.Errorf("no cluster: set KUBECONFIG, or make one with --kit: %w", err)
	}
	config.QPS, config.Burst = 100, 200
	set, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return &kube{Interface: set, config: config, namespace: namespace}, nil
}

// makeNamespace makes the namespace, in which pods must be restricted.
func (k *kube) makeNamespace(ctx context.Context) error {
	_, err := k.CoreV1().Namespaces().Create(ctx, &core.Namespace{ObjectMeta: meta.ObjectMeta{
		Name:   k.namespace,
		Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
	}}, meta.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("the namespace %s is there already: delete it, or give another by --namespace", k.namespace)
	}
	return err
}

// deleteNamespace deletes it and waits until it is gone.
func (k *kube) deleteNamespace(ctx context.Context) error {
	if err := k.CoreV1().Namespaces().Delete(ctx, k.namespace, meta.DeleteOptions{}); err != nil {
		return err
	}
	return until(ctx, "the namespace to be gone", func() error {
		_, err := k.CoreV1().Namespaces().Get(ctx, k.namespace, meta.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("it is there still (%v)", err)
	})
}

// until calls f until it succeeds. Where ctx ends first the error says what
// was waited for and what f said last.
func until(ctx context.Context, what string, f func() error) error {
	for {
		err := f()
		if err == nil {
			return nil
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("waited for %s: %w (%w)", what, err, ctx.Err())
		}
	}
}

// pods returns the nodes' pods of a release by name.
func (k *kube) pods(ctx context.Context, release string) ([]core.Pod, error) {
	list, err := k.CoreV1().Pods(k.namespace).List(ctx, meta.ListOptions{
		LabelSelector: "app.kubernetes.io/component=node,app.kubernetes.io/instance=" + release,
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(list.Items, func(a, b core.Pod) int { return bytes.Compare([]byte(a.Name), []byte(b.Name)) })
	return list.Items, nil
}

// isReady reports whether a pod is ready and not on its way out.
func isReady(p core.Pod) bool {
	if p.DeletionTimestamp != nil {
		return false
	}
	for _, c := range p.Status.Conditions {
		if c.Type == core.PodReady {
			return c.Status == core.ConditionTrue
		}
	}
	return false
}

// ask sends an HTTP request to a pod, through the API server.
func (k *kube) ask(ctx context.Context, verb, pod string, port int, path, query string, body []byte) ([]byte, error) {
	return k.askWith(ctx, verb, pod, port, path, query, body, "", "")
}

// askWith is ask with a header, where it has a name.
func (k *kube) askWith(ctx context.Context, verb, pod string, port int, path, query string, body []byte, header, value string) ([]byte, error) {
	r := k.CoreV1().RESTClient().Verb(verb).Namespace(k.namespace).Resource("pods").
		Name(fmt.Sprintf("%s:%d", pod, port)).SubResource("proxy").Suffix(path)
	if query != "" {
		r = r.Param("name", query)
	}
	if header != "" {
		r = r.SetHeader(header, value)
	}
	if body != nil {
		r = r.Body(body)
	}
	answer, err := r.DoRaw(ctx)
	if err != nil && len(answer) > 0 {
		return nil, fmt.Errorf("%w: %s", err, bytes.TrimSpace(answer))
	}
	return answer, err
}

// A nodeStatus is the part of /status that is used here.
type nodeStatus struct {
	Node    struct{ Cluster string }
	Members []struct {
		Name, Role   string
		Voter, Alive bool
		Lag          uint64
		Version      string
	}
}

// status asks a node what it knows. The API server keeps Authorization for itself.
func (r *release) status(ctx context.Context, pod string) (s nodeStatus, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	password, err := r.password(ctx)
	if err != nil {
		return s, err
	}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("default:"+password))
	b, err := r.askWith(ctx, "GET", pod, httpPort, "status", "", nil, "X-Trivet-Authorization", basic)
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	return s, err
}
