package web

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
)

func TestProfiles(t *testing.T) {
	url := serveBy(t, NewProfiles(Options{}))
	for path, want := range map[string]int{
		"/debug/pprof/": 200, "/debug/pprof/goroutine?debug=1": 200, "/debug/pprof/cmdline": 404, "/status": 404, "/metrics": 404,
	} {
		if code, _, body := get(t, url+path); code != want || path == "/debug/pprof/" && !strings.Contains(body, "goroutine") {
			t.Errorf("%s: %d", path, code)
		}
	}
}

// ask sends a request for the status with headers, Host among them.
func ask(t *testing.T, url string, headers ...string) int {
	t.Helper()
	r, err := http.NewRequest("GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		if r.Header.Set(headers[i], headers[i+1]); headers[i] == "Host" {
			r.Host = headers[i+1]
		}
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	reply.Body.Close()
	return reply.StatusCode
}

// A page from elsewhere that has its name resolved to this server learns nothing.
func TestRebinding(t *testing.T) {
	url := serve(t, Options{Hosts: []string{"node.example.org", ".queues.example.net"}, Status: func(context.Context) any { return 1 }})
	for _, path := range []string{"/", "/livez", "/readyz", "/status"} {
		if code := ask(t, url+path, "Host", "evil.example.com"); code != http.StatusForbidden {
			t.Errorf("%s: %d", path, code)
		}
		if code := ask(t, url+path, "Host", "Node.Example.org:8379"); code != http.StatusOK {
			t.Errorf("%s by its own name: %d", path, code)
		}
	}
	if code := ask(t, serveBy(t, NewProfiles(Options{}))+"/debug/pprof/", "Host", "evil.example.com"); code != http.StatusForbidden {
		t.Errorf("profiles: %d", code)
	}
	for host, want := range map[string]bool{
		"": true, "127.0.0.1:8379": true, "10.0.0.7": true, "[::1]:8379": true, "[fe80::1%eth0]": true, "localhost": true, "x.localhost:1": true,
		"trivet": true, "trivet.queues.svc:8379": true, "trivet-0.trivet-peers.queues.svc.cluster.local.": true,
		"a.queues.example.net": true, "b.a.queues.example.net": true, "node.example.org": true,
		"queues.example.net": false, "xqueues.example.net": false, "other.example.org": false, "10.0.0.7.example.com": false,
		"trivet.queues.svc.example.com": false, "evil.example.com:8379": false, "127.0.0.1.nip.io": false,
	} {
		if got := KnownHost(host, []string{"node.example.org", ".queues.example.net"}); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
}

func TestStatusNeedsAUser(t *testing.T) {
	url := serve(t, Options{
		Status: func(context.Context) any { return 1 },
		Look: func(from net.Addr, user, password string, given bool) Access {
			if from.(*net.TCPAddr).IP.String() != "127.0.0.1" {
				t.Errorf("from %v", from)
			}
			switch {
			case !given:
				return Unknown
			case user+":"+password == "joe:pw":
				return Granted
			}
			return Forbidden
		},
	})
	for _, c := range []struct {
		want    int
		headers []string
	}{
		{401, nil},
		{200, []string{"Authorization", "Basic am9lOnB3"}},
		{200, []string{"X-Trivet-Authorization", "Basic am9lOnB3"}},
		{403, []string{"Authorization", "Basic am9lOg=="}},
	} {
		if code := ask(t, url+"/status", c.headers...); code != c.want {
			t.Errorf("%v: %d", c.headers, code)
		}
	}
	for _, path := range []string{"/livez", "/readyz"} { // of Kubernetes
		if code := ask(t, url+path); code != 200 {
			t.Errorf("%s: %d", path, code)
		}
	}
}
