package load

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Port is where Serve listens.
const Port = 8080

// patience is how long a request waits for clients that get no answer.
const patience = 100 * time.Second

// Handler lets a Load be told what to do: POST /configure with a Config, POST
// /next?name=ROUND and POST /check, which answer a Report. POST
// /serial?name=HOST:PORT answers the serial number of the certificate there.
// Errors are answered as text with status 500.
func (l *Load) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ready", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("POST /configure", func(w http.ResponseWriter, r *http.Request) {
		var c Config
		err := json.NewDecoder(r.Body).Decode(&c)
		if err == nil {
			err = l.Configure(c)
		}
		answer(w, struct{}{}, err)
	})
	mux.HandleFunc("POST /next", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		report, err := l.Next(ctx, r.FormValue("name"))
		answer(w, report, err)
	})
	mux.HandleFunc("POST /check", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		report, err := l.Check(ctx)
		answer(w, report, err)
	})
	mux.HandleFunc("POST /serial", func(w http.ResponseWriter, r *http.Request) {
		// Whether to trust it is the clients' matter.
		conn, err := tls.Dial("tcp", r.FormValue("name"), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			answer(w, nil, err)
			return
		}
		defer conn.Close()
		fmt.Fprint(w, conn.ConnectionState().PeerCertificates[0].SerialNumber)
	})
	return mux
}

func answer(w http.ResponseWriter, v any, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // a caller that went away is no concern
}
