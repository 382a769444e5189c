package deploy

import (
	"fmt"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/dynamic/fake"
)

// A kube answers the chart's lookups. It implements engine.ClientProvider.
type kube struct{ objects []runtime.Object }

// GetClientFor implements engine.ClientProvider.
func (k kube) GetClientFor(apiVersion, kind string) (dynamic.NamespaceableResourceInterface, bool, error) {
	version, err := schema.ParseGroupVersion(apiVersion)
	resource := version.WithResource(strings.ToLower(kind) + "s")
	c := fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(),
		map[schema.GroupVersionResource]string{resource: kind + "List"}, k.objects...)
	return c.Resource(resource), true, err
}

// upgrade renders a revision of a release that has an object in the cluster.
func upgrade(t *testing.T, old map[string]any, values map[string]any) (map[string]string, error) {
	t.Helper()
	c := load(t)
	v, err := chartutil.ToRenderValues(c, values,
		chartutil.ReleaseOptions{Name: "trivet", Namespace: "queues", Revision: 2, IsUpgrade: true}, chartutil.DefaultCapabilities)
	if err != nil {
		t.Fatal(err)
	}
	return engine.RenderWithClientProvider(c, v, kube{[]runtime.Object{&unstructured.Unstructured{Object: old}}})
}

// TestUpgradeKeepsSecrets finds the Secret of the last revision, and keeps what
// is in it.
func TestUpgradeKeepsSecrets(t *testing.T) {
	for values, want := range map[string]string{"": "b2xk", "new": "bmV3"} {
		files, err := upgrade(t, map[string]any{
			"apiVersion": "v1", "kind": "Secret",
			"metadata": map[string]any{"name": "trivet", "namespace": "queues"},
			"data":     map[string]any{"password": "b2xk", "gossip-key": "a2V5", "peer-secret": "cGVlcg=="},
		}, map[string]any{"auth": map[string]any{"password": values}})
		if err != nil {
			t.Fatal(err)
		}
		data := at(t, objects(t, map[string]string{"secret": files["trivet/templates/secret.yaml"]})["Secret/trivet"], "data")
		if got := at(t, data, "password"); got != want {
			t.Errorf("auth.password %q: %v, want %v", values, got, want)
		}
		if got := at(t, data, "gossip-key"); got != "a2V5" {
			t.Errorf("the gossip key is now %v", got)
		}
		if got := at(t, data, "peer-secret"); got != "cGVlcg==" {
			t.Errorf("the peer secret is now %v", got)
		}
	}
}

// TestScaleDown refuses what would stop a majority of the members at once.
func TestScaleDown(t *testing.T) {
	for _, c := range []struct {
		from, to int
		refused  bool
	}{{3, 1, true}, {5, 1, true}, {7, 3, true}, {9, 3, true}, {9, 5, false}, {9, 7, false}, {5, 3, false}, {3, 3, false}, {1, 1, false}, {1, 3, false}, {3, 5, false}} {
		_, err := upgrade(t, map[string]any{
			"apiVersion": "apps/v1", "kind": "StatefulSet",
			"metadata": map[string]any{"name": "trivet", "namespace": "queues"},
			"spec":     map[string]any{"replicas": int64(c.from)},
		}, map[string]any{"replicas": c.to, "peerSecret": map[string]any{"auth": "mixed"}})
		want := fmt.Sprintf("replicas: from %d to %d would stop a majority", c.from, c.to)
		if refused := err != nil && strings.Contains(err.Error(), want); refused != c.refused {
			t.Errorf("from %d to %d: %v", c.from, c.to, err)
		}
	}
}

// TestFirstPeerSecret gives a release of a version without peer secrets its first:
// in two steps, and the second only after the first.
func TestFirstPeerSecret(t *testing.T) {
	const noSecret, notYet = "have no peer secret yet", "not all pods have the peer secret yet"
	none := []any{map[string]any{"name": "TRIVET_PEER", "value": ":7379"}}
	has := append(none, map[string]any{"name": "TRIVET_PEER_SECRET_FILE", "value": "/etc/trivet/peer/peer-secret"})
	mixed := append(has, map[string]any{"name": "TRIVET_PEER_AUTH", "value": "mixed"})
	for _, c := range []struct {
		name     string
		env      []any
		replicas int64
		updated  int64 // pods of the newest revision, of which there is one before it
		auth     string
		want     string // empty for no error
	}{
		{"at once", none, 3, 3, "required", noSecret},
		{"first step", none, 3, 3, "mixed", ""},
		{"one node", none, 1, 1, "required", ""},
		{"second step", mixed, 3, 3, "required", ""},
		{"second step too early", mixed, 3, 2, "required", notYet},
		{"first step again", mixed, 3, 2, "mixed", ""},
		{"later", has, 3, 2, "required", ""},
	} {
		_, err := upgrade(t, map[string]any{
			"apiVersion": "apps/v1", "kind": "StatefulSet",
			"metadata": map[string]any{"name": "trivet", "namespace": "queues"},
			"spec": map[string]any{"replicas": c.replicas, "template": map[string]any{"spec": map[string]any{
				"containers": []any{map[string]any{"name": "trivet", "env": c.env}}}}},
			"status": map[string]any{"updatedReplicas": c.updated, "currentRevision": "a", "updateRevision": "b"},
		}, map[string]any{"replicas": c.replicas, "peerSecret": map[string]any{"auth": c.auth}})
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q", c.name, err, c.want)
		}
	}
}
