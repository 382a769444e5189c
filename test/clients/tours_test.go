//go:build clients

package clients

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var both = []int{2, 3}

// TestRedisPy takes the tour with redis-py.
func TestRedisPy(t *testing.T) {
	needs(t, "python3", "python3-venv")
	dir := cached(t, "python", []string{"requirements.txt"}, func(dir string) {
		run(t, "", "python3", "-m", "venv", filepath.Join(dir, "venv"))
		run(t, "", filepath.Join(dir, "venv", "bin", "python"), "-m", "pip", "install", "--quiet",
			"--disable-pip-version-check", "--requirement", "requirements.txt")
	})
	tours(t, all, both, func(t *testing.T, at target, protocol int) {
		program(t, "", nil, filepath.Join(dir, "venv", "bin", "python"), append([]string{"tour.py"}, at.args(protocol)...)...)
	})
}

// TestIoredis takes the tour with ioredis.
func TestIoredis(t *testing.T) { node(t, "ioredis.js") }

// TestNodeRedis takes the tour with node-redis.
func TestNodeRedis(t *testing.T) { node(t, "node-redis.js") }

func node(t *testing.T, tour string) {
	needs(t, "node", "nodejs (20 or newer)")
	needs(t, "npm", "npm")
	dir := cached(t, "node", []string{"node/package.json", "node/package-lock.json"}, func(dir string) {
		copyTo(t, dir, "node/package.json", "node/package-lock.json")
		run(t, "", "npm", "ci", "--prefix", dir, "--no-audit", "--no-fund", "--ignore-scripts")
	})
	env := []string{"NODE_PATH=" + filepath.Join(dir, "node_modules")}
	tours(t, all, both, func(t *testing.T, at target, protocol int) {
		program(t, "node", env, "node", append([]string{tour}, at.args(protocol)...)...)
	})
}

// TestRedisRb takes the tour with redis-rb, as Debian has it: version 4, which
// knows RESP2 alone.
func TestRedisRb(t *testing.T) {
	needs(t, "ruby", "ruby ruby-redis")
	out, err := exec.Command("ruby", "-e", `require "redis"; puts Redis::VERSION`).CombinedOutput()
	if err != nil {
		t.Fatalf("this test needs redis-rb; on Debian: apt-get install ruby-redis\n%s", out)
	}
	t.Logf("redis-rb %s", out)
	tours(t, all, []int{2}, func(t *testing.T, at target, protocol int) {
		program(t, "", nil, "ruby", append([]string{"tour.rb"}, at.args(protocol)...)...)
	})
}

// TestJedis takes the tour with Jedis.
func TestJedis(t *testing.T) { java(t, "JedisTour") }

// TestLettuce takes the tour with Lettuce.
func TestLettuce(t *testing.T) { java(t, "LettuceTour") }

func java(t *testing.T, class string) {
	for _, name := range []string{"java", "javac", "mvn"} {
		needs(t, name, "default-jdk-headless maven")
	}
	lib := cached(t, "java", []string{"java/pom.xml"}, func(dir string) {
		run(t, "", "mvn", "-q", "-B", "-f", "java/pom.xml", "dependency:copy-dependencies", "-DoutputDirectory="+dir)
	})
	classes := t.TempDir()
	run(t, "", "javac", "-encoding", "UTF-8", "-d", classes, "-cp", filepath.Join(lib, "*"), "java/Check.java", "java/"+class+".java")
	path := classes + string(os.PathListSeparator) + filepath.Join(lib, "*")
	tours(t, all, both, func(t *testing.T, at target, protocol int) {
		program(t, "", nil, "java", append([]string{"-Dfile.encoding=UTF-8", "-cp", path, class}, at.args(protocol)...)...)
	})
}

// cached returns a directory outside the repository that install has filled for
// the given files, now or in an earlier run.
func cached(t *testing.T, name string, files []string, install func(dir string)) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.New()
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(sum, "%d %s", len(b), b)
	}
	dir := filepath.Join(cache, "trivet-clients", fmt.Sprintf("%s-%x", name, sum.Sum(nil)[:8]))
	done := filepath.Join(dir, "installed")
	if _, err := os.Stat(done); err == nil {
		return dir
	}
	if err := os.RemoveAll(dir); err != nil { // what an interrupted run left
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	install(dir)
	if err := os.WriteFile(done, []byte(strings.Join(files, "\n")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return dir
}

func copyTo(t *testing.T, dir string, files ...string) {
	t.Helper()
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(f)), b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
