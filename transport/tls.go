package transport

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// recheck is how often, at most, the files of a [Certificates] are read.
const recheck = time.Second

// Certificates are a node's certificate and key and the authority that those
// who connect are checked against. The files are read again at handshakes, at
// most once a second, so that a rotation needs no restart. A peer's certificate
// must allow both server and client use, as every node dials and accepts.
//
// All methods may be called concurrently.
type Certificates struct {
	files  [3]string // certificate, key, authority; no authority: ""
	oldest uint16    // version of TLS
	auth   tls.ClientAuthType

	mu       sync.Mutex // guards what follows
	identity *identity  // the newest that was sound
	checked  time.Time
	err      error // why the files as they are now cannot be used
}

// An identity is the parsed content of the three files. It never changes.
type identity struct {
	content   [3][]byte
	cert      tls.Certificate
	authority *x509.CertPool
	server    *tls.Config
}

// LoadCertificates reads a certificate chain, its key and the authority's
// certificates, all PEM, for links between nodes: TLS 1.3, and both sides show
// a certificate. The error names all files that cannot be used.
func LoadCertificates(certFile, keyFile, caFile string) (*Certificates, error) {
	c := &Certificates{
		files: [3]string{certFile, keyFile, caFile}, oldest: tls.VersionTLS13, auth: tls.RequireAndVerifyClientCert,
	}
	return c.opened()
}

// LoadServerCertificates is LoadCertificates for listeners that others than
// nodes connect to: by TLS 1.2 too, which older libraries speak, and with a
// certificate of their own where auth asks for it. Where it does not, caFile may
// be empty.
func LoadServerCertificates(certFile, keyFile, caFile string, auth tls.ClientAuthType) (*Certificates, error) {
	c := &Certificates{files: [3]string{certFile, keyFile, caFile}, oldest: tls.VersionTLS12, auth: auth}
	return c.opened()
}

func (c *Certificates) opened() (*Certificates, error) {
	if err := c.Err(); err != nil {
		return nil, err
	}
	return c, nil
}

// Err reports why the files could not be used when they were last read; nil
// if they could. Meanwhile the last sound ones stay in use.
func (c *Certificates) Err() error {
	c.current()
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Leaf returns the node's own certificate as it is in use.
func (c *Certificates) Leaf() *x509.Certificate { return c.current().cert.Leaf }

// ServerConfig shows our certificate, and asks clients for one of the authority
// as was said when the files were loaded.
func (c *Certificates) ServerConfig() *tls.Config {
	return &tls.Config{
		MinVersion: c.oldest,
		ClientAuth: c.auth,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			id := c.current()
			if id == nil {
				return nil, errNoIdentity
			}
			return id.server, nil
		},
	}
}

// ClientConfig shows our certificate, and requires one of the authority that
// is valid for serverName, a host name or IP address.
func (c *Certificates) ClientConfig(serverName string) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13,
		ServerName: serverName,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) {
			id := c.current()
			if id == nil {
				return nil, errNoIdentity
			}
			return &id.cert, nil
		},
		// The check is not left out: the built-in one knows only a fixed pool,
		// so VerifyConnection does the same with the current one.
		InsecureSkipVerify: true,
		VerifyConnection: func(state tls.ConnectionState) error {
			return c.verifyServer(state, serverName)
		},
	}
}

var errNoIdentity = errors.New("no certificates loaded")

func (c *Certificates) verifyServer(state tls.ConnectionState, name string) error {
	id := c.current()
	if id == nil {
		return errNoIdentity
	}
	if name == "" {
		return errors.New("no server name to verify") // empty would mean any
	}
	if len(state.PeerCertificates) == 0 {
		return errors.New("server showed no certificate")
	}
	between := x509.NewCertPool()
	for _, cert := range state.PeerCertificates[1:] {
		between.AddCert(cert)
	}
	_, err := state.PeerCertificates[0].Verify(x509.VerifyOptions{
		DNSName:       name,
		Roots:         id.authority,
		Intermediates: between,
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	})
	return err
}

// current reads the files again if it is time, and returns the newest sound
// identity, nil if there never was one. It compares contents: mounted secrets
// are swapped by symbolic link, and times are too coarse.
func (c *Certificates) current() *identity {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := time.Now()
	if !c.checked.IsZero() && now.Sub(c.checked) < recheck {
		return c.identity
	}
	c.checked = now
	id, err := c.load()
	c.err = err
	if err == nil {
		c.identity = id
	}
	return c.identity
}

func (c *Certificates) load() (*identity, error) {
	id := &identity{}
	same := c.identity != nil
	var faults []error
	for i, file := range c.files {
		if file == "" {
			continue
		}
		content, err := os.ReadFile(file)
		if err != nil {
			faults = append(faults, fmt.Errorf("load certificates: %w", err))
			continue
		}
		id.content[i] = content
		same = same && bytes.Equal(content, c.identity.content[i])
	}
	if same && faults == nil {
		return c.identity, nil
	}
	var err error
	if id.content[0] != nil && id.content[1] != nil {
		if id.cert, err = tls.X509KeyPair(id.content[0], id.content[1]); err != nil {
			faults = append(faults, fmt.Errorf("load certificate %s with key %s: %w", c.files[0], c.files[1], err))
		}
	}
	if id.content[2] != nil {
		id.authority = x509.NewCertPool()
		if !id.authority.AppendCertsFromPEM(id.content[2]) {
			faults = append(faults, fmt.Errorf("load authority %s: no certificate in it", c.files[2]))
		}
	}
	if faults != nil {
		return nil, errors.Join(faults...)
	}
	id.server = &tls.Config{
		MinVersion:   c.oldest,
		Certificates: []tls.Certificate{id.cert},
		ClientAuth:   c.auth,
		ClientCAs:    id.authority,
		// A resumed session would get by without a look at the new authority.
		SessionTicketsDisabled: c.auth != tls.NoClientCert,
	}
	return id, nil
}
