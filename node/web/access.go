package web

import (
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
)

// proxied is the header that stands for Authorization where a proxy, such as
// Kubernetes' API server, keeps that for itself.
const proxied = "X-Trivet-Authorization"

// look asks whether a request for the status may be answered.
func (s *Server) look(r *http.Request) Access {
	if s.opts.Look == nil {
		return Granted
	}
	if basic := r.Header.Get(proxied); basic != "" {
		r = &http.Request{Header: http.Header{"Authorization": {basic}}, RemoteAddr: r.RemoteAddr}
	}
	user, password, given := r.BasicAuth()
	from := &net.TCPAddr{} // of no machine: from afar
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		from.IP = net.ParseIP(host)
	}
	return s.opts.Look(from, user, password, given)
}

// knownHosts refuses requests for hosts that this server is not called by. A page
// from elsewhere could otherwise have its own name resolved to this server, and
// read through a browser inside what only machines in here should (DNS rebinding).
func (s *Server) knownHosts(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !KnownHost(r.Host, s.opts.Hosts) {
			text(w, http.StatusForbidden, fmt.Sprintf("this node is not known as %.100q; --http-hosts names more\n", r.Host))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// KnownHost reports whether a request's Host may be that of a server which is also
// called by some names: one of them, or within one that begins with a dot. Always
// allowed are IP addresses, localhost, names without a dot and those that
// Kubernetes gives to Services, none of which a stranger can own.
func KnownHost(host string, names []string) bool {
	if h, _, err := net.SplitHostPort(host); err == nil {
		host = h
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	address, _, _ := strings.Cut(host, "%")
	switch {
	case !strings.Contains(host, "."), net.ParseIP(address) != nil,
		strings.HasSuffix(host, ".localhost"), strings.HasSuffix(host, ".svc"), strings.HasSuffix(host, ".svc.cluster.local"):
		return true
	}
	return slices.ContainsFunc(names, func(name string) bool {
		name = strings.ToLower(name)
		return name == host || strings.HasPrefix(name, ".") && strings.HasSuffix(host, name)
	})
}
