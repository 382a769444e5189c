package deploy

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
)

// env returns the variables of the node's container that have a plain value.
func env(t *testing.T, o map[string]any) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, e := range at(t, o, "spec", "template", "spec", "containers", 0, "env").([]any) {
		if v, ok := e.(map[string]any)["value"].(string); ok {
			found[e.(map[string]any)["name"].(string)] = v
		}
	}
	return found
}

// TestRejects gives values that make no sense. Each would install something
// that does not work, or not what was meant.
func TestRejects(t *testing.T) {
	for _, c := range []struct{ values, want string }{
		{"nope: 1", "additional properties 'nope' not allowed"},
		{"server: {onFolower: forward}", "'onFolower' not allowed"},
		{"replicas: 2", "'/replicas'"},
		{"replicas: 4", "'/replicas'"},
		{"replicas: 0", "'/replicas'"},
		{"replicas: \"3\"", "'/replicas'"},
		{"server: {onFollower: proxy}", "'/server/onFollower'"},
		{"server: {reads: eventual}", "'/server/reads'"},
		{"server: {maxClients: 0}", "'/server/maxClients'"},
		{"server: {maxMemory: lots}", "'/server/maxMemory'"},
		{"server: {maxMemory: 1Gi}", "'/server/maxMemory'"},
		{"server: {logLevel: trace}", "'/server/logLevel'"},
		{"server: {queueMetrics: ['a,b']}", "'/server/queueMetrics/0'"},
		{"tls: {authClients: maybe}", "'/tls/authClients'"},
		{"peerSecret: {auth: off}", "'/peerSecret/auth'"},
		{"persistence: {size: large}", "'/persistence/size'"},
		{"persistence: {whenScaled: Keep}", "'/persistence/whenScaled'"},
		{"service: {type: ExternalName}", "'/service/type'"},
		{"external: {nodePortBase: 30371}", "'/external/nodePortBase'"},
		{"external: {announce: example.org}", "'/external/announce'"},
		{"image: {tag: 'a b'}", "'/image/tag'"},
		{"image: {digest: 'sha256:1'}", "'/image/digest'"},
		{"podAntiAffinityPreset: firm", "'/podAntiAffinityPreset'"},
		{"backup: {schedule: daily}", "'/backup/schedule'"},
		{"backup: {keep: 0}", "'/backup/keep'"},
		{"backup: {destination: 's3://bucket/file'}", "'/backup/destination'"},
		{"terminationGracePeriodSeconds: 5", "'/terminationGracePeriodSeconds'"},
		{"tls: {enabled: true}", "tls.enabled needs a certificate"},
		{"peerTLS: {enabled: true}", "peerTLS.enabled needs a certificate"},
		{"tls: {enabled: true, certManager: {enabled: true}}", "tls.certManager.issuerRef.name is empty"},
		{"external: {enabled: true}", "external.announce is empty"},
		{"metrics: {serviceMonitor: {enabled: true}, podMonitor: {enabled: true}}", "would both scrape"},
		{"auth: {enabled: false, usersSecret: users}", "auth.usersSecret without auth.enabled"},
		{"restore: {source: last.trivet}", "restore.existingClaim"},
		{"recover: {pod: trivet-0}", "both the pod and the token"},
		{"recover: {pod: trivet-3, token: x}", "trivet-3 is none of the pods: trivet-0, trivet-1, trivet-2"},
		{"serviceAccount: {create: false}", "serviceAccount.name is empty"},
		{"preStopSleepSeconds: 46", "at least 15 s more than preStopSleepSeconds"},
		{"fullnameOverride: a.b", "'/fullnameOverride'"},
		{"tls: {enabled: true, existingSecret: mine, certManager: {enabled: true, issuerRef: {name: x}}}", "would both fill one Secret"},
		{"resources: {limits: {memory: 1Q}}", "no quantity of bytes"},
	} {
		_, err := render(t, current, c.values)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; want %q", c.values, err, c.want)
		}
	}
}

// TestMemory follows the memory limit: 80 % for the garbage collector, half for
// the data.
func TestMemory(t *testing.T) {
	for _, c := range []struct{ limit, heap, data string }{
		{"1Gi", "858993459", "536870912"},
		{"1.5Gi", "1288490188", "805306368"},
		{"512Mi", "429496729", "268435456"},
		{"2G", "1600000000", "1000000000"},
		{"300000000", "240000000", "150000000"},
		{"64Gi", "54975581388", "34359738368"},
	} {
		o := objects(t, mustRender(t, fmt.Sprintf("resources: {limits: {memory: %s}}", c.limit)))
		got := env(t, o["StatefulSet/trivet"])
		if got["GOMEMLIMIT"] != c.heap || got["TRIVET_MAX_MEMORY"] != c.data {
			t.Errorf("%s: %s and %s, want %s and %s", c.limit, got["GOMEMLIMIT"], got["TRIVET_MAX_MEMORY"], c.heap, c.data)
		}
	}
	got := env(t, objects(t, mustRender(t, "resources: null"))["StatefulSet/trivet"])
	if got["GOMEMLIMIT"]+got["TRIVET_MAX_MEMORY"] != "" {
		t.Errorf("without a limit: %v", got)
	}
	got = env(t, objects(t, mustRender(t, "server: {maxMemory: 100mb}"))["StatefulSet/trivet"])
	if got["TRIVET_MAX_MEMORY"] != "100mb" {
		t.Errorf("server.maxMemory: %v", got)
	}
}

// TestReplicas scales: the template of the pods stays the same from 3 to 5, so
// that no pod is restarted, and so many nodes start a cluster that no two can.
func TestReplicas(t *testing.T) {
	expect := map[int]string{1: "1", 3: "3", 5: "3", 7: "4", 9: "5"}
	var three, five string
	for n, want := range expect {
		o := objects(t, mustRender(t, fmt.Sprintf("replicas: %d", n)))
		if got := env(t, o["StatefulSet/trivet"])["TRIVET_BOOTSTRAP_EXPECT"]; got != want {
			t.Errorf("%d replicas expect %s, want %s", n, got, want)
		}
		if names := at(t, o["Role/trivet-leader"], "rules", 0, "resourceNames").([]any); len(names) != 9 || names[8] != "trivet-8" {
			t.Errorf("%d replicas: the role is for %v", n, names)
		}
		if pdb := o["PodDisruptionBudget/trivet"]; (pdb == nil) != (n == 1) {
			t.Errorf("%d replicas: %v", n, pdb)
		} else if pdb != nil && fmt.Sprint(at(t, pdb, "spec", "maxUnavailable")) != "1" {
			t.Errorf("%d replicas: %v", n, pdb)
		}
		switch template := fmt.Sprint(at(t, o["StatefulSet/trivet"], "spec", "template")); n {
		case 3:
			three = template
		case 5:
			five = template
		}
	}
	if three != five {
		t.Error("scaling from 3 to 5 would restart the pods")
	}
}

// TestToken mounts a token for the API server only where the leader is labelled.
func TestToken(t *testing.T) {
	for on, count := range map[bool]int{true: 1, false: 0} {
		o := objects(t, mustRender(t, fmt.Sprintf("leaderService: {enabled: %v}", on)))
		roles := 0
		for key := range o {
			if strings.HasPrefix(key, "Role/") || key == "Service/trivet-leader" {
				roles++
			}
		}
		sts := o["StatefulSet/trivet"]
		if roles != 2*count || at(t, sts, "spec", "template", "spec", "automountServiceAccountToken") != on ||
			(env(t, sts)["TRIVET_KUBERNETES_LABELS"] == "true") != on {
			t.Errorf("leaderService.enabled %v: %d roles and Services, %v", on, roles, env(t, sts))
		}
		for key, o := range o {
			if strings.HasPrefix(key, "Job/") && at(t, o, "spec", "template", "spec", "automountServiceAccountToken") != false {
				t.Errorf("%s has a token", key)
			}
		}
	}
}

// TestExternal announces each pod by its own address.
func TestExternal(t *testing.T) {
	o := objects(t, mustRender(t, "external: {enabled: true, type: NodePort, nodePortBase: 31200}"))
	if got := env(t, o["StatefulSet/trivet"])["TRIVET_ANNOUNCE"]; got != "$(HOST_IP):3120$(POD_INDEX)" {
		t.Errorf("announced: %s", got)
	}
	for i := range 3 {
		s := o[fmt.Sprintf("Service/trivet-%d", i)]
		if port := fmt.Sprint(at(t, s, "spec", "ports", 0, "nodePort")); port != fmt.Sprint(31200+i) {
			t.Errorf("pod %d has node port %s", i, port)
		}
	}
	o = objects(t, mustRender(t, `external: {enabled: true, announce: "$(POD_NAME).example.org:6379", annotations: {dns: "$(POD_NAME).example.org"}}`))
	if got := env(t, o["StatefulSet/trivet"])["TRIVET_ANNOUNCE"]; got != "$(POD_NAME).example.org:6379" {
		t.Errorf("announced: %s", got)
	}
	if got := at(t, o["Service/trivet-2"], "metadata", "annotations", "dns"); got != "trivet-2.example.org" {
		t.Errorf("annotated: %s", got)
	}
}

// TestRecover hands the token to one pod, and does not wait for pods that
// cannot become ready.
func TestRecover(t *testing.T) {
	o := objects(t, mustRender(t, "recover: {pod: trivet-1, token: abc123}"))
	sts := o["StatefulSet/trivet"]
	if env(t, sts)["TRIVET_RECOVER"] != "trivet-1:abc123" || at(t, sts, "spec", "updateStrategy", "type") != "OnDelete" {
		t.Errorf("%v", sts)
	}
	if o["Job/trivet-scale-down"] != nil {
		t.Error("members would be removed while the cluster is recovered")
	}
}

// TestOlderKubernetes leaves out what 1.28 does not have.
func TestOlderKubernetes(t *testing.T) {
	for version, want := range map[string]bool{"v1.28.3": false, "v1.29.0": false, "v1.30.0": true, "v1.30.2-gke.1": true, current: true} {
		files, err := render(t, version, "")
		if err != nil {
			t.Fatal(err)
		}
		container := at(t, objects(t, files)["StatefulSet/trivet"], "spec", "template", "spec", "containers", 0).(map[string]any)
		if _, sleeps := container["lifecycle"]; sleeps != want {
			t.Errorf("%s: sleeps before it stops: %v", version, sleeps)
		}
	}
}

// TestSecret makes secrets that are sound, and different ones each time.
func TestSecret(t *testing.T) {
	seen := map[string]bool{}
	for range 2 {
		data := at(t, objects(t, mustRender(t, ""))["Secret/trivet"], "data").(map[string]any)
		password, err := base64.StdEncoding.DecodeString(data["password"].(string))
		if err != nil || len(password) != 32 || seen[string(password)] {
			t.Errorf("password: %v", err)
		}
		seen[string(password)] = true
		for _, name := range []string{"gossip-key", "peer-secret"} {
			text, err := base64.StdEncoding.DecodeString(data[name].(string))
			if err != nil {
				t.Error(err)
			}
			key, err := base64.StdEncoding.DecodeString(string(text))
			if err != nil || len(key) != 32 || seen[string(key)] {
				t.Errorf("%s %q: %v", name, text, err)
			}
			seen[string(key)] = true
		}
	}
	o := objects(t, mustRender(t, "auth: {existingSecret: mine, passwordKey: pw}\ngossip: {existingSecret: other}\npeerSecret: {existingSecret: third}"))
	if o["Secret/trivet"] != nil {
		t.Error("a Secret that nobody uses")
	}
}

// TestNotes tells how to connect.
func TestNotes(t *testing.T) {
	notes := mustRender(t, "")["NOTES.txt"]
	for _, part := range []string{"RedisHuey", "rq worker", "Celery", "Sidekiq", "BullMQ", "asynq", "get secret trivet ",
		"redis://:$PASSWORD@trivet.queues:6379/0", "trivet-leader.queues:6379"} {
		if !strings.Contains(notes, part) {
			t.Errorf("no %q in:\n%s", part, notes)
		}
	}
	for values, want := range map[string]string{
		"auth: {enabled: false}":                       "redis://trivet.queues:6379/0",
		"tls: {enabled: true, existingSecret: t}":      "rediss://",
		"persistence: {enabled: false}":                "All data is lost",
		"replicas: 1":                                  "survives nothing",
		"recover: {pod: trivet-0, token: a}":           "recovery is on",
		"auth: {existingSecret: mine, passwordKey: p}": "get secret mine -o jsonpath='{.data.p}'",
	} {
		if notes := mustRender(t, values)["NOTES.txt"]; !strings.Contains(notes, want) {
			t.Errorf("%s: no %q in:\n%s", values, want, notes)
		}
	}
}

// TestSchemaKnowsValues compares the keys of values.schema.json with those of
// values.yaml: each is in both.
func TestSchemaKnowsValues(t *testing.T) {
	text, err := os.ReadFile(chartDir + "/values.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	schema := map[string]any{}
	if err := json.Unmarshal(text, &schema); err != nil {
		t.Fatal(err)
	}
	compareKeys(t, "", schema, load(t).Values)
}

func compareKeys(t *testing.T, path string, schema, values map[string]any) {
	properties, _ := schema["properties"].(map[string]any)
	for key, value := range values {
		if properties[key] == nil {
			t.Errorf("values.schema.json lacks %s/%s", path, key)
		}
		if below, ok := value.(map[string]any); ok {
			if s, _ := properties[key].(map[string]any); s["properties"] != nil {
				compareKeys(t, path+"/"+key, s, below)
			}
		}
	}
	for key := range properties {
		if _, ok := values[key]; !ok {
			t.Errorf("values.yaml lacks %s/%s", path, key)
		}
	}
}
