package kubernetes

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trivetdb/trivet/test/certs"
	"github.com/trivetdb/trivet/test/kubeapi"
)

func TestLabel(t *testing.T) {
	api := kubeapi.Start(t, "trivet-0", "trivet-1")
	pods, err := InPod(api.Dir)
	if err != nil {
		t.Fatal(err)
	}
	label := func(pod string, leads bool, want string) {
		t.Helper()
		if err := pods.Label(t.Context(), pod, leads); err != nil {
			t.Errorf("%s: %v", pod, err)
		}
		if got := api.Label(pod, Label); got != want {
			t.Errorf("%s is labelled %q, want %q", pod, got, want)
		}
	}
	label("trivet-0", true, "leader")
	label("trivet-1", false, "follower")
	label("trivet-0", false, "follower")
	label("trivet-2", true, "") // is not there, which is no error
	if got := api.Label("trivet-0", "app"); got != "trivet" {
		t.Errorf("another label is %q now", got)
	}
	api.Renew("second")
	label("trivet-1", true, "leader")

	for status, want := range map[int]string{
		403: "label pod trivet-0: 403 Forbidden: a test wants it; a Role must allow patch on pods",
		500: "label pod trivet-0: 500 Internal Server Error: a test wants it",
		302: "label pod trivet-0: 302 Found: a test wants it",
	} {
		api.Fail(status)
		if err := pods.Label(t.Context(), "trivet-0", true); err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
	api.Fail(0)
	certs.Put(t, api.Dir, "token", []byte("stolen"))
	if err := pods.Label(t.Context(), "trivet-0", true); err == nil || !strings.Contains(err.Error(), "401 Unauthorized") {
		t.Errorf("a wrong token: %v", err)
	}
	calls := api.Calls()
	certs.Put(t, api.Dir, "ca.crt", certs.New(t).PEM)
	if err := pods.Label(t.Context(), "trivet-0", true); err == nil || !strings.Contains(err.Error(), "unknown authority") || api.Calls() != calls {
		t.Errorf("another authority: %v", err)
	}
	if got := api.Label("trivet-0", Label); got != "follower" {
		t.Errorf("a call that failed changed the label to %q", got)
	}
}

func TestNoPod(t *testing.T) {
	api := kubeapi.Start(t)
	if err := os.Remove(filepath.Join(api.Dir, "token")); err != nil {
		t.Fatal(err)
	}
	certs.Put(t, api.Dir, "ca.crt", []byte("nothing"))
	t.Setenv("KUBERNETES_SERVICE_PORT", "")
	_, err := InPod(api.Dir)
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"this is no pod", "token", "automountServiceAccountToken", "no certificate in"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("no %q in: %v", want, err)
		}
	}
}

// TestNobodyAnswers bounds a call by its context.
func TestNobodyAnswers(t *testing.T) {
	api := kubeapi.Start(t, "trivet-0")
	t.Setenv("KUBERNETES_SERVICE_HOST", "192.0.2.1") // nobody's, by RFC 5737
	pods, err := InPod(api.Dir)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := pods.Label(ctx, "trivet-0", true); err == nil || time.Since(began) > callTime {
		t.Errorf("after %v: %v", time.Since(began), err)
	}
}
