//go:build clients

package clients

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trivetdb/trivet/test/certs"
	"github.com/trivetdb/trivet/test/cluster"
)

// TestTLS has clients follow the leader by TLS, where nodes do not take anything
// else and ask for certificates.
func TestTLS(t *testing.T) {
	needs(t, "redis-cli", "redis-tools")
	authority, dir := certs.New(t), t.TempDir()
	authority.Issue(t, dir)
	crt, key, ca := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"), filepath.Join(dir, "ca.crt")
	c := cluster.New(t, "--bootstrap-expect", "3", "--tls-cert-file", crt, "--tls-key-file", key, "--tls-ca-cert-file", ca,
		"--tls-auth-clients", "yes", "--peer-tls-cert-file", crt, "--peer-tls-key-file", key, "--peer-tls-ca-cert-file", ca)
	var addrs []string
	for range 3 {
		n := c.Add()
		n.Start()
		addrs = append(addrs, n.Redis)
	}
	secure := authority.Client(t, dir)
	inCluster := redis.NewClusterClient(&redis.ClusterOptions{Addrs: addrs, TLSConfig: secure, MaxRedirects: 20})
	defer inCluster.Close()
	for end := time.Now().Add(2 * time.Minute); inCluster.Set(t.Context(), "k", "v", 0).Err() != nil; time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("no leader")
		}
	}
	bySentinel := redis.NewFailoverClient(&redis.FailoverOptions{MasterName: "mymaster", SentinelAddrs: addrs, TLSConfig: secure, MaxRetries: 10})
	defer bySentinel.Close()
	same(t, "GET by Sentinel", bySentinel.Get(t.Context(), "k").Val(), "v")
	for _, addr := range addrs { // redis-cli follows the redirect
		out := run(t, "", "redis-cli", "-c", "-h", "127.0.0.1", "-p", port(addr), "--tls", "--cacert", ca, "--cert", crt, "--key", key, "SET", "k", addr)
		same(t, "SET by redis-cli", strings.TrimSpace(out), "OK")
		same(t, "GET by Cluster", inCluster.Get(t.Context(), "k").Val(), addr)
	}
	out := run(t, "", "redis-benchmark", "-h", "127.0.0.1", "-p", port(addrs[0]), "--tls", "--cacert", ca, "--cert", crt, "--key", key,
		"-q", "-n", "2000", "-c", "20", "-P", "10", "GET", "k")
	if !strings.Contains(out, "requests per second") {
		t.Errorf("redis-benchmark:\n%s", out)
	}
}
