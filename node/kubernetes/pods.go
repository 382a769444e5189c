package kubernetes

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Label is the key of the label. Its values are leader and follower.
const Label = "trivet.dev/role"

// Directory is where a pod finds its service account.
const Directory = "/var/run/secrets/kubernetes.io/serviceaccount"

// callTime bounds one call of the API server.
const callTime = 3 * time.Second

// Pods are those of this pod's namespace. All methods may be called from many
// goroutines.
type Pods struct {
	server string // https://host:port
	dir    string // of the service account; its files are read at each call, as they are renewed

	mu     sync.Mutex
	ca     []byte // what client trusts
	client *http.Client
}

// InPod returns the pods beside the one that this process runs in, whose service
// account lies in dir. The error says what is missing.
func InPod(dir string) (*Pods, error) {
	host, port := os.Getenv("KUBERNETES_SERVICE_HOST"), os.Getenv("KUBERNETES_SERVICE_PORT")
	var faults []error
	if host == "" || port == "" {
		faults = append(faults, errors.New("KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: this is no pod"))
	}
	p := &Pods{server: "https://" + net.JoinHostPort(host, port), dir: dir}
	for _, name := range []string{"token", "namespace"} {
		if _, err := p.read(name); err != nil {
			faults = append(faults, err)
		}
	}
	if _, err := p.connect(); err != nil {
		faults = append(faults, err)
	}
	if faults != nil {
		return nil, fmt.Errorf("labels of pods: %w", errors.Join(faults...))
	}
	return p, nil
}

// read returns a file of the service account.
func (p *Pods) read(name string) (string, error) {
	b, err := os.ReadFile(filepath.Join(p.dir, name))
	if err != nil {
		return "", fmt.Errorf("service account: %w; is automountServiceAccountToken set?", err)
	}
	return strings.TrimSpace(string(b)), nil
}

// connect returns a client that trusts the cluster's authority as it is now.
func (p *Pods) connect() (*http.Client, error) {
	ca, err := p.read("ca.crt")
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.client != nil && string(p.ca) == ca {
		return p.client, nil
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM([]byte(ca)) {
		return nil, fmt.Errorf("service account: no certificate in %s", filepath.Join(p.dir, "ca.crt"))
	}
	if p.client != nil {
		p.client.CloseIdleConnections()
	}
	p.ca = []byte(ca)
	p.client = &http.Client{
		Timeout: callTime,
		Transport: &http.Transport{
			TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true, IdleConnTimeout: time.Minute,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return p.client, nil
}

// Label says of a pod whether it leads. One that is not there is left at that. A
// label that is right already costs the API server no write.
func (p *Pods) Label(ctx context.Context, pod string, leads bool) error {
	role := "follower"
	if leads {
		role = "leader"
	}
	if err := p.patch(ctx, pod, role); err != nil {
		return fmt.Errorf("label pod %s: %w", pod, err)
	}
	return nil
}

func (p *Pods) patch(ctx context.Context, pod, role string) error {
	client, err := p.connect()
	if err != nil {
		return err
	}
	token, err := p.read("token")
	if err != nil {
		return err
	}
	namespace, err := p.read("namespace")
	if err != nil {
		return err
	}
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": map[string]string{Label: role}}})
	if err != nil {
		return err
	}
	at := fmt.Sprintf("%s/api/v1/namespaces/%s/pods/%s?fieldManager=trivet", p.server, url.PathEscape(namespace), url.PathEscape(pod))
	req, err := http.NewRequestWithContext(ctx, http.MethodPatch, at, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/merge-patch+json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", "trivet")
	reply, err := client.Do(req)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(reply.Body, 1<<20)) // all of it, so that the connection can be used again
	switch {
	case reply.StatusCode == http.StatusOK, reply.StatusCode == http.StatusNotFound:
		return nil
	case reply.StatusCode == http.StatusForbidden:
		return fmt.Errorf("%s; a Role must allow patch on pods", message(reply.Status, text))
	}
	return errors.New(message(reply.Status, text))
}

// message returns what the API server says of an error, in one line.
func message(status string, body []byte) string {
	var said struct {
		Message string `json:"message"`
	}
	if json.Unmarshal(body, &said) != nil || said.Message == "" {
		return status
	}
	return status + ": " + strings.Join(strings.Fields(said.Message), " ")
}
