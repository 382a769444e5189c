package deploy

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	"sigs.k8s.io/yaml"
)

const chartDir = "../helm/trivet"

var rewrite = flag.Bool("rewrite", false, "write the golden files anew; review the diff")

func load(t *testing.T) *chart.Chart {
	t.Helper()
	c, err := loader.Load(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// render returns what the chart makes of values, by file, as an install does.
func render(t *testing.T, version, values string) (map[string]string, error) {
	t.Helper()
	v := map[string]any{}
	if err := yaml.UnmarshalStrict([]byte(values), &v); err != nil {
		t.Fatalf("%v in:\n%s", err, values)
	}
	c := load(t)
	kube, err := chartutil.ParseKubeVersion(version)
	if err != nil {
		t.Fatal(err)
	}
	caps := &chartutil.Capabilities{KubeVersion: *kube, APIVersions: chartutil.DefaultVersionSet}
	options := chartutil.ReleaseOptions{Name: "trivet", Namespace: "queues", Revision: 1, IsInstall: true}
	all, err := chartutil.ToRenderValues(c, v, options, caps)
	if err != nil {
		return nil, err
	}
	files, err := engine.Render(c, all)
	if err != nil {
		return nil, err
	}
	for name, text := range files {
		delete(files, name)
		if name = strings.TrimPrefix(name, "trivet/templates/"); strings.TrimSpace(text) != "" {
			files[name] = text
		}
	}
	return files, nil
}

const current = "v1.34.0"

func mustRender(t *testing.T, values string) map[string]string {
	t.Helper()
	files, err := render(t, current, values)
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// objects parses all manifests, by kind and name.
func objects(t *testing.T, files map[string]string) map[string]map[string]any {
	t.Helper()
	found := map[string]map[string]any{}
	for name, text := range files {
		if name == "NOTES.txt" {
			continue
		}
		for _, doc := range regexp.MustCompile(`(?m)^---$`).Split(text, -1) {
			o := map[string]any{}
			if err := yaml.UnmarshalStrict([]byte(doc), &o); err != nil {
				t.Fatalf("%s: %v in:\n%s", name, err, doc)
			}
			if len(o) == 0 {
				continue
			}
			key := o["kind"].(string) + "/" + at(t, o, "metadata", "name").(string)
			if found[key] != nil {
				t.Errorf("%s is there twice", key)
			}
			found[key] = o
		}
	}
	return found
}

// at follows keys and indexes into an object.
func at(t *testing.T, o any, path ...any) any {
	t.Helper()
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, ok := o.(map[string]any)
			if !ok || m[p] == nil {
				t.Fatalf("no %v of %v in %v", p, path, o)
			}
			o = m[p]
		case int:
			l, ok := o.([]any)
			if !ok || p >= len(l) {
				t.Fatalf("no %v of %v in %v", p, path, o)
			}
			o = l[p]
		}
	}
	return o
}

var cases = []string{"default", "full", "one", "volumes"}

func values(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestLint is `helm lint` with each set of values.
func TestLint(t *testing.T) {
	for _, name := range cases {
		v := map[string]any{}
		if err := yaml.Unmarshal([]byte(values(t, name)), &v); err != nil {
			t.Fatal(err)
		}
		for _, m := range lint.AllWithKubeVersion(chartDir, v, "queues", &chartutil.KubeVersion{Version: current, Major: "1", Minor: "34"}).Messages {
			if m.Severity > support.InfoSev {
				t.Errorf("%s: %v", name, m)
			}
		}
	}
}

var secrets = regexp.MustCompile(`(?m)^(  (?:password|gossip-key|peer-secret): ).*$`)

// TestGolden compares what is made of each set of values with what was.
func TestGolden(t *testing.T) {
	for _, name := range cases {
		files := mustRender(t, values(t, name))
		objects(t, files)
		var b bytes.Buffer
		for _, file := range sortedKeys(files) {
			text := secrets.ReplaceAllString(files[file], "${1}SECRET")
			b.WriteString("=== " + file + "\n" + strings.TrimSpace(text) + "\n")
		}
		golden := filepath.Join("testdata", name+".golden")
		if *rewrite {
			if err := os.WriteFile(golden, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(want, b.Bytes()) {
			t.Errorf("%s has changed; if that is meant: go test . -run Golden -rewrite\n%s", golden, firstDifference(string(want), b.String()))
		}
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return fmt.Sprintf("line %d was %q and is %q", i+1, w[i], g[i])
		}
	}
	return fmt.Sprintf("it had %d lines and has %d", len(w), len(g))
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
