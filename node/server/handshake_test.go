package server

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trivetdb/trivet/test/certs"
	"github.com/trivetdb/trivet/transport"
)

// startTLS returns a server with two more listeners, which speak TLS, and what
// their clients need for that.
func startTLS(t *testing.T, opts Options) (f *fixture, redisAddr, classicAddr string, conf *tls.Config) {
	t.Helper()
	authority, dir := certs.New(t), t.TempDir()
	authority.Issue(t, dir)
	held, err := transport.LoadServerCertificates(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"), "", tls.NoClientCert)
	if err != nil {
		t.Fatal(err)
	}
	opts.TLS = true
	f = start(t, opts)
	serve := func(classic bool) string {
		l, err := tls.Listen("tcp", "127.0.0.1:0", held.ServerConfig())
		if err != nil {
			t.Fatal(err)
		}
		go f.Serve(l, classic) // until the fixture ends
		return l.Addr().String()
	}
	return f, serve(false), serve(true), authority.Client(t, "")
}

func dialTLS(t *testing.T, addr string, conf *tls.Config) *wire {
	t.Helper()
	conn, err := tls.Dial("tcp", addr, conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetDeadline(time.Now().Add(20 * time.Second))
	return &wire{t, conn, bufio.NewReader(conn)}
}

// TestTLSClients do over TLS what they do without.
func TestTLSClients(t *testing.T) {
	f, redisAddr, classicAddr, conf := startTLS(t, Options{})
	for _, newest := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		conf := conf.Clone()
		conf.MaxVersion = newest
		w := dialTLS(t, redisAddr, conf)
		w.ask("DEL a q", ":0\r\n")
		w.send("SET a 1\r\nINCR a\r\nGET a\r\n")
		w.expect("+OK\r\n:2\r\n$1\r\n2\r\n")
		// A wait reads ahead, and a deadline ends that.
		w.send("BLPOP q 0.05\r\n")
		w.expect("*-1\r\n")
		w.send("BLPOP q 0\r\nPING\r\n")
		f.awaitCommand("BLPOP")
		time.Sleep(20 * time.Millisecond)
		dialTLS(t, redisAddr, conf).ask("RPUSH q x", ":1\r\n")
		w.expect("*2\r\n$1\r\nq\r\n$1\r\nx\r\n+PONG\r\n")
		large := strings.Repeat("x", 1<<20)
		w.ask("*3\r\n$3\r\nSET\r\n$1\r\nb\r\n$1048576\r\n"+large, "+OK\r\n")
		w.ask("GET b", "$1048576\r\n"+large+"\r\n")
		w.ask("SUBSCRIBE news", "*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n")
		dialTLS(t, redisAddr, conf).ask("PUBLISH news hot", ":1\r\n")
		w.expect("*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$3\r\nhot\r\n")
		other := dialTLS(t, redisAddr, conf)
		other.ask("DEL a b", ":2\r\n")
		other.ask("QUIT", "+OK\r\n")
		other.closed()
		w.ask("UNSUBSCRIBE news", "*3\r\n$11\r\nunsubscribe\r\n$4\r\nnews\r\n:0\r\n")
		dialTLS(t, classicAddr, conf).ask("+SET c 1", ":1\r\n")
		dialTLS(t, classicAddr, conf).ask("+FLUSH", ":1\r\n")
	}
	client := redis.NewClient(&redis.Options{Addr: redisAddr, TLSConfig: conf})
	defer client.Close()
	shards, err := client.Do(t.Context(), "CLUSTER", "SHARDS").Slice()
	if err != nil || !strings.Contains(fmt.Sprint(shards), "tls-port") {
		t.Errorf("CLUSTER SHARDS: %v, %v", shards, err)
	}
}

// TestNoTLS has clients that do not agree on TLS.
func TestNoTLS(t *testing.T) {
	f, redisAddr, _, conf := startTLS(t, Options{MaxClients: 2})
	plain, err := net.Dial("tcp", redisAddr)
	if err != nil {
		t.Fatal(err)
	}
	defer plain.Close()
	plain.SetDeadline(time.Now().Add(20 * time.Second))
	io.WriteString(plain, "PING\r\n")
	if got, _ := io.ReadAll(plain); strings.Contains(string(got), "PONG") {
		t.Errorf("a plain client got %q", got)
	}
	stranger := &tls.Config{ServerName: "127.0.0.1"} // trusts nobody that we have
	if conn, err := tls.Dial("tcp", redisAddr, stranger); err == nil {
		conn.Close()
		t.Error("a client took a certificate of an authority that it does not know")
	}
	eventually(t, "two failures are counted", func() bool { return f.counts.handshakes.Load() == 2 })
	probe, err := net.Dial("tcp", redisAddr)
	if err != nil {
		t.Fatal(err)
	}
	probe.Close()
	eventually(t, "the probe has gone", func() bool { return f.conns.total() == 0 })
	if n := f.counts.handshakes.Load(); n != 2 {
		t.Errorf("%d failures, with the probe", n)
	}
	a, b := dialTLS(t, redisAddr, conf), dialTLS(t, redisAddr, conf)
	a.ask("PING", "+PONG\r\n")
	b.ask("PING", "+PONG\r\n")
	dialTLS(t, redisAddr, conf).expect("-ERR max number of clients reached\r\n")
}

// TestSilentTLS has clients that never finish their handshakes: none keeps the
// server from ending.
func TestSilentTLS(t *testing.T) {
	f, redisAddr, _, _ := startTLS(t, Options{MaxClients: 1})
	for range 2 { // the second is one too many
		silent, err := net.Dial("tcp", redisAddr)
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
	}
	eventually(t, "one is refused", func() bool { return f.counts.rejected.Load() == 1 })
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Second)
	defer cancel()
	if err := f.Shutdown(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("Shutdown: %v", err)
	}
}
