package web

import (
	"net/http"
	"net/http/pprof"
)

// NewProfiles makes a server that answers with profiles of the process, and listens
// nowhere yet. A profile tells much, and takes work to make: this server should be
// reached from its own machine only. It does not tell the command line, which may
// hold a password.
func NewProfiles(opts Options) *Server {
	return (&Server{opts: opts}).with(profiles)
}

func profiles() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	return mux
}
