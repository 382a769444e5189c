package deploy

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// image runs image.sh for this machine's architecture, and returns the archive.
func image(t *testing.T) string {
	t.Helper()
	arch, err := exec.Command("go", "env", "GOARCH").Output()
	if err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	cmd := exec.Command("./image.sh", out, strings.TrimSpace(string(arch)))
	cmd.Env = append(os.Environ(), "VERSION=1.2.3", "COMMIT=0123456789ab", "SOURCE_DATE_EPOCH=1700000000")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	found, err := filepath.Glob(filepath.Join(out, "*.tar"))
	if err != nil || len(found) != 1 {
		t.Fatalf("%q, %v", found, err)
	}
	return found[0]
}

// unpack returns the files of an archive, and the modes of all its entries.
func unpack(t *testing.T, r io.Reader) (map[string][]byte, map[string]*tar.Header) {
	t.Helper()
	files, heads := map[string][]byte{}, map[string]*tar.Header{}
	for a := tar.NewReader(r); ; {
		h, err := a.Next()
		if err == io.EOF {
			return files, heads
		}
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimPrefix(h.Name, "./")
		heads[name] = h
		if files[name], err = io.ReadAll(a); err != nil {
			t.Fatal(err)
		}
	}
}

// TestImage makes the image twice: the same bytes, with a program that runs.
func TestImage(t *testing.T) {
	first, err := os.ReadFile(image(t))
	if err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(image(t))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Error("the same commit gave different bytes")
	}
	blobs, _ := unpack(t, bytes.NewReader(first))
	type descriptor struct{ Digest string }
	var index struct{ Manifests []descriptor }
	var manifest struct {
		Config descriptor
		Layers []descriptor
	}
	var config struct {
		Config struct {
			User       string
			Entrypoint []string
			Env        []string
		}
	}
	read := func(name string, into any) {
		t.Helper()
		if err := json.Unmarshal(blobs[name], into); err != nil {
			t.Fatalf("%s: %v: %s", name, err, blobs[name])
		}
	}
	blob := func(d descriptor) string { return "blobs/" + strings.Replace(d.Digest, ":", "/", 1) }
	read("index.json", &index)
	read(blob(index.Manifests[0]), &manifest)
	read(blob(manifest.Config), &config)
	if config.Config.User != "65532:65532" || strings.Join(config.Config.Entrypoint, " ") != "/trivet" || len(config.Config.Env) == 0 {
		t.Errorf("config: %+v", config)
	}
	layer, err := gzip.NewReader(bytes.NewReader(blobs[blob(manifest.Layers[0])]))
	if err != nil {
		t.Fatal(err)
	}
	files, heads := unpack(t, layer)
	for name, h := range heads {
		if h.Uid != 0 || h.ModTime.Unix() != 1700000000 {
			t.Errorf("%s: %+v", name, h)
		}
	}
	program := filepath.Join(t.TempDir(), "trivet")
	if err := os.WriteFile(program, files["trivet"], 0o700); err != nil {
		t.Fatal(err)
	}
	text, err := exec.Command(program, "version").CombinedOutput()
	if err != nil || !strings.Contains(string(text), "1.2.3") || !strings.Contains(string(text), "0123456789ab") || !strings.Contains(string(text), "2023-11-14") {
		t.Errorf("version: %v: %s", err, text)
	}
}
