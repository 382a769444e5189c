package deploy

import (
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
func (k kube) GetClientFor(string, string) (dynamic.NamespaceableResourceInterface, bool, error) {
	secrets := schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
	c := fake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(),
		map[schema.GroupVersionResource]string{secrets: "SecretList"}, k.objects...)
	return c.Resource(secrets), true, nil
}

// TestUpgradeKeepsSecrets finds the Secret of the last revision, and keeps what
// is in it.
func TestUpgradeKeepsSecrets(t *testing.T) {
	old := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Secret",
		"metadata": map[string]any{"name": "trivet", "namespace": "queues"},
		"data":     map[string]any{"password": "b2xk", "gossip-key": "a2V5"},
	}}
	c := load(t)
	for values, want := range map[string]string{"": "b2xk", "new": "bmV3"} {
		v, err := chartutil.ToRenderValues(c, map[string]any{"auth": map[string]any{"password": values}},
			chartutil.ReleaseOptions{Name: "trivet", Namespace: "queues", Revision: 2, IsUpgrade: true}, chartutil.DefaultCapabilities)
		if err != nil {
			t.Fatal(err)
		}
		files, err := engine.RenderWithClientProvider(c, v, kube{[]runtime.Object{old}})
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
	}
}
