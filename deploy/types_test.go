package deploy

import (
	"regexp"
	"strings"
	"testing"

	certificates "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/kubernetes/scheme"
)

func init() {
	utilruntime.Must(certificates.AddToScheme(scheme.Scheme))
	utilruntime.Must(monitoring.AddToScheme(scheme.Scheme))
}

// TestTypes decodes all objects into Kubernetes', the Prometheus operator's and
// cert-manager's own types: an unknown field, a field that is there twice or a
// value of a wrong type is an error.
func TestTypes(t *testing.T) {
	decoder := serializer.NewCodecFactory(scheme.Scheme, serializer.EnableStrict).UniversalDeserializer()
	kinds := map[string]bool{}
	for _, name := range cases {
		for file, text := range mustRender(t, values(t, name)) {
			if file == "NOTES.txt" {
				continue
			}
			for _, doc := range regexp.MustCompile(`(?m)^---$`).Split(text, -1) {
				if !strings.Contains(doc, "kind:") {
					continue
				}
				_, kind, err := decoder.Decode([]byte(doc), nil, nil)
				if err != nil {
					t.Errorf("%s, %s: %v", name, file, err)
					continue
				}
				kinds[kind.Kind] = true
			}
		}
	}
	for _, kind := range []string{"StatefulSet", "CronJob", "Job", "Pod", "NetworkPolicy", "Certificate", "ServiceMonitor",
		"PodMonitor", "PrometheusRule", "ConfigMap", "PersistentVolumeClaim", "PodDisruptionBudget", "Role", "RoleBinding"} {
		if !kinds[kind] {
			t.Errorf("no values made a %s", kind)
		}
	}
}
