package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/trivetdb/trivet/node/logging"
)

// Options are what a Server shows. What is left out answers 404.
type Options struct {
	Ready    func() []Condition            // asked at each /readyz; nil is always ready
	Status   func(ctx context.Context) any // rendered as JSON at /status
	Gatherer prometheus.Gatherer           // rendered at /metrics
	Log      *slog.Logger                  // default: none

	// Hosts are names that this server is called by, besides those that KnownHost
	// knows; see there.
	Hosts []string
	// Look says whether a request for /status is answered; nil is always. Given says
	// that there are a user and a password.
	Look func(from net.Addr, user, password string, given bool) Access
}

// Access is whether somebody may see something.
type Access uint8

// What Look returns.
const (
	Granted   Access = iota
	Unknown          // needs another user and password: 401
	Forbidden        // 403
)

// A Condition is one of the things that must hold for a node to be ready.
type Condition struct {
	Name   string
	OK     bool
	Detail string // why it does not hold
}

// A Server answers HTTP requests.
type Server struct {
	http http.Server
	opts Options
}

// New makes a server that listens nowhere yet.
func New(opts Options) *Server {
	s := &Server{opts: opts}
	return s.with(s.routes)
}

// with finishes a server that answers what routes returns.
func (s *Server) with(routes func() http.Handler) *Server {
	if s.opts.Log == nil {
		s.opts.Log = slog.New(slog.DiscardHandler)
	}
	s.http = http.Server{
		Handler:           s.knownHosts(routes()),
		ErrorLog:          logging.Lines(s.opts.Log, "http: "),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		// No WriteTimeout: a profile writes for as long as it was asked to.
	}
	return s
}

// Serve answers connections of l until Shutdown; it then returns nil.
func (s *Server) Serve(l net.Listener) error {
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve http: %w", err)
	}
	return nil
}

// Shutdown stops listening and waits for the requests under way, no longer
// than ctx allows; then it cuts them off.
func (s *Server) Shutdown(ctx context.Context) error {
	if err := s.http.Shutdown(ctx); err != nil {
		return errors.Join(err, s.http.Close())
	}
	return nil
}

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", index)
	mux.HandleFunc("GET /livez", live)
	mux.HandleFunc("GET /readyz", s.ready)
	if s.opts.Status != nil {
		mux.HandleFunc("GET /status", s.status)
	}
	if s.opts.Gatherer != nil {
		mux.Handle("GET /metrics", promhttp.HandlerFor(s.opts.Gatherer, promhttp.HandlerOpts{
			ErrorLog: logging.Lines(s.opts.Log, ""),
			// One bad collector must not hide all the others.
			ErrorHandling: promhttp.ContinueOnError,
		}))
	}
	return mux
}

const indexPage = `trivet

/livez         the process serves
/readyz        the node can serve clients, and if not, why
/status        what the node knows of itself and the cluster, as JSON
/metrics       for Prometheus
`

func index(w http.ResponseWriter, _ *http.Request) { text(w, http.StatusOK, indexPage) }

func live(w http.ResponseWriter, _ *http.Request) { text(w, http.StatusOK, "ok\n") }

// ready lists the conditions in the form that Kubernetes' own programs use.
// ?verbose changes nothing, for the list is always there.
func (s *Server) ready(w http.ResponseWriter, _ *http.Request) {
	var conditions []Condition
	if s.opts.Ready != nil {
		conditions = s.opts.Ready()
	}
	var b strings.Builder
	code, verdict := http.StatusOK, "passed"
	for _, c := range conditions {
		if c.OK {
			fmt.Fprintf(&b, "[+]%s ok\n", c.Name)
			continue
		}
		code, verdict = http.StatusServiceUnavailable, "failed"
		fmt.Fprintf(&b, "[-]%s %s\n", c.Name, why(c))
	}
	fmt.Fprintf(&b, "readyz check %s\n", verdict)
	text(w, code, b.String())
}

func why(c Condition) string {
	if c.Detail == "" {
		return "failed"
	}
	return strings.Join(strings.Fields(c.Detail), " ") // one line a condition
}

func (s *Server) status(w http.ResponseWriter, r *http.Request) {
	switch s.look(r) {
	case Unknown:
		w.Header().Set("WWW-Authenticate", `Basic realm="trivet", charset="UTF-8"`)
		text(w, http.StatusUnauthorized, "a user who may run RAFT STATUS, and the password\n")
		return
	case Forbidden:
		text(w, http.StatusForbidden, "only a user who may run RAFT STATUS sees this; from another machine, only where a password is set\n")
		return
	}
	b, err := json.MarshalIndent(s.opts.Status(r.Context()), "", "  ")
	if err != nil {
		s.opts.Log.Error("status cannot be rendered", "err", err)
		http.Error(w, "status cannot be rendered", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(append(b, '\n')) // a client that went away is no concern
}

func text(w http.ResponseWriter, code int, body string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(body))
}
