// Package kubeapi is as much of a Kubernetes API server as trivet calls, over
// real HTTPS, for tests.
package kubeapi

import (
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"testing"

	"github.com/trivetdb/trivet/test/certs"
)

// Namespace is that of all pods.
const Namespace = "jobs"

// A Server takes PATCH requests for pods.
type Server struct {
	Dir string // a service account that may send them

	t    testing.TB
	http *httptest.Server

	mu     sync.Mutex
	token  string
	pods   map[string]map[string]string // labels
	status int                          // answered to all, where it is not 0
	calls  int
}

// Start runs a server with pods, and sets the variables by which a pod finds it.
func Start(t testing.TB, pods ...string) *Server {
	t.Helper()
	s := &Server{Dir: t.TempDir(), t: t, pods: map[string]map[string]string{}}
	for _, pod := range pods {
		s.pods[pod] = map[string]string{"app": "trivet"}
	}
	s.http = httptest.NewUnstartedServer(s)
	certs.Put(t, s.Dir, "namespace", []byte(Namespace))
	s.Renew("first")
	s.http.StartTLS()
	t.Cleanup(s.http.Close)
	host, port, err := net.SplitHostPort(s.http.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBERNETES_SERVICE_HOST", host)
	t.Setenv("KUBERNETES_SERVICE_PORT", port)
	return s
}

// Renew changes the token and the server's authority, which pods find in Dir.
func (s *Server) Renew(token string) {
	s.t.Helper()
	authority, dir := certs.New(s.t), s.t.TempDir()
	authority.Issue(s.t, dir)
	pair, err := tls.LoadX509KeyPair(filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.token = token
	certs.Put(s.t, s.Dir, "token", []byte(token+"\n"))
	certs.Put(s.t, s.Dir, "ca.crt", authority.PEM)
	if s.http.TLS == nil {
		s.http.TLS = &tls.Config{Certificates: []tls.Certificate{pair}}
		return
	}
	s.http.TLS.GetConfigForClient = func(*tls.ClientHelloInfo) (*tls.Config, error) {
		return &tls.Config{Certificates: []tls.Certificate{pair}}, nil
	}
	s.http.CloseClientConnections()
}

// Fail has all requests answered with a status; 0 ends that.
func (s *Server) Fail(status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
}

// Set gives a pod a label behind the callers' backs.
func (s *Server) Set(pod, label, value string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pods[pod][label] = value
}

// Label returns a pod's label, "" for none.
func (s *Server) Label(pod, label string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pods[pod][label]
}

// Calls returns how many requests there were.
func (s *Server) Calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls
}

// ServeHTTP implements http.Handler. What trivet should never send fails the test.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	answer := func(status int, message string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(map[string]any{"kind": "Status", "code": status, "message": message})
	}
	if s.status != 0 {
		answer(s.status, "a test wants\nit")
		return
	}
	if r.Header.Get("Authorization") != "Bearer "+s.token {
		answer(http.StatusUnauthorized, "Unauthorized")
		return
	}
	var pod string
	if _, err := fmt.Sscanf(r.URL.Path, "/api/v1/namespaces/"+Namespace+"/pods/%s", &pod); err != nil || r.Method != http.MethodPatch {
		s.t.Errorf("%s %s", r.Method, r.URL.Path)
	}
	if kind := r.Header.Get("Content-Type"); kind != "application/merge-patch+json" {
		s.t.Errorf("content type %q", kind)
	}
	labels, ok := s.pods[pod]
	if !ok {
		answer(http.StatusNotFound, "pods \""+pod+"\" not found")
		return
	}
	var patch struct {
		Metadata struct {
			Labels map[string]string `json:"labels"`
		} `json:"metadata"`
	}
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&patch); err != nil {
		s.t.Errorf("a patch that changes more than labels: %v", err)
	}
	for label, value := range patch.Metadata.Labels {
		labels[label] = value
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(map[string]any{"kind": "Pod", "metadata": map[string]any{"name": pod, "labels": labels}})
}
