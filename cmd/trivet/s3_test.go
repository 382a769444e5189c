//go:build s3

package main

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/trivetdb/trivet/test/cluster"
)

// startStore builds and runs an S3-compatible server. It is built apart, so that
// this module does not depend on it.
func startStore(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	build := exec.Command("go", "install", "github.com/johannesboyne/gofakes3/cmd/gofakes3@v1.2.0")
	build.Env, build.Dir = append(os.Environ(), "GOBIN="+dir), dir
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build gofakes3: %v\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	cmd := exec.Command(filepath.Join(dir, "gofakes3"), "-host", addr, "-backend", "memory", "-initialbucket", "bucket")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Kill()
		cmd.Wait()
	})
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			break
		}
		if time.Now().After(end) {
			t.Fatal("gofakes3 does not answer")
		}
	}
	t.Setenv("AWS_ENDPOINT_URL", "http://"+addr)
	t.Setenv("AWS_ACCESS_KEY_ID", "key")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_REGION", "us-east-1")
}

// TestS3 keeps backups in a store, and restores one from there. The backup is larger
// than one part of an upload.
func TestS3(t *testing.T) {
	startStore(t)
	c := cluster.Start(t, 1)
	leader := c.Settled()
	conn := leader.Client()
	defer conn.Close()
	for _, key := range []string{"a", "b", "c"} {
		if err := conn.Set(t.Context(), key, strings.Repeat(key, s3Part/2), 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
	mustCall(t, "backup", "--addr", leader.Redis, "--output", "s3://bucket/one.backup")
	for range 3 {
		mustCall(t, "backup", "--addr", leader.Redis, "--output", "s3://bucket/daily/", "--keep", "2")
		time.Sleep(1100 * time.Millisecond) // names tell seconds
	}
	store, err := openStore()
	if err != nil {
		t.Fatal(err)
	}
	var kept []string
	for o := range store.ListObjects(t.Context(), "bucket", minio.ListObjectsOptions{Recursive: true}) {
		kept = append(kept, o.Key)
	}
	if len(kept) != 3 || kept[2] != "one.backup" || !strings.HasPrefix(kept[0], "daily/trivet-2") {
		t.Errorf("kept: %q", kept)
	}
	if err := conn.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
	mustCall(t, "restore", "s3://bucket/"+kept[0], "--addr", leader.Redis)
	if got, err := conn.Get(t.Context(), "c").Result(); err != nil || got != strings.Repeat("c", s3Part/2) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if _, err := call(t, "backup", "--addr", "127.0.0.1:1", "--output", "s3://bucket/never"); err == nil {
		t.Error("no node, and no error")
	}
	if _, err := call(t, "restore", "s3://bucket/never", "--force", "--addr", leader.Redis); err == nil {
		t.Error("what is not there was restored")
	}
	if _, err := call(t, "backup", "--addr", leader.Redis, "--output", "s3://other/key"); err == nil {
		t.Error("a bucket that is not there took a backup")
	}
}
