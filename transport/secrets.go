package transport

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
)

// Bounds of what a secret may be, and of how many there may be: each proof that
// fails is compared with all of them.
const (
	minSecret  = 16
	maxSecret  = 1024
	maxSecrets = 8
)

// A Secret is known to all nodes of a cluster and to nobody else.
type Secret string

// NewSecret draws a secret.
func NewSecret() Secret {
	var b [32]byte
	rand.Read(b[:])
	return Secret(base64.StdEncoding.EncodeToString(b[:]))
}

// Key derives a key of 32 bytes for one purpose. Keys of different purposes, or
// of different secrets, tell nothing of each other.
func (s Secret) Key(purpose string) []byte {
	key, err := hkdf.Key(sha256.New, []byte(s), nil, "trivet "+purpose, sha256.Size)
	if err != nil {
		panic(err) // a length that HKDF cannot give: the constant above is wrong
	}
	return key
}

// String keeps a secret out of logs and error texts.
func (Secret) String() string { return "(secret)" }

// ParseSecrets reads secrets, one a line. A node proves itself with the first, and
// takes proofs with any of them. Empty lines and lines that begin with # say nothing.
// The error lists all faults, and no secret.
func ParseSecrets(text string) (secrets []Secret, err error) {
	var faults []error
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		switch {
		case len(line) < minSecret || len(line) > maxSecret:
			faults = append(faults, fmt.Errorf("line %d is a secret of %d characters: use %d to %d", number, len(line), minSecret, maxSecret))
		case !slices.Contains(secrets, Secret(line)):
			secrets = append(secrets, Secret(line))
		}
	}
	if secrets == nil && faults == nil {
		faults = append(faults, errors.New("no secret in it; make one with: trivet secret"))
	}
	if len(secrets) > maxSecrets {
		faults = append(faults, fmt.Errorf("%d secrets: use up to %d", len(secrets), maxSecrets))
	}
	return secrets, errors.Join(faults...)
}

// Secrets are those in use, which may change. All methods may be called
// concurrently.
type Secrets struct{ keys atomic.Pointer[[][]byte] }

// NewSecrets returns Secrets with at least one in use.
func NewSecrets(secrets []Secret) *Secrets {
	s := &Secrets{}
	s.Set(secrets)
	return s
}

// Set changes the secrets: connections made from now on are proved with the first.
func (s *Secrets) Set(secrets []Secret) {
	keys := make([][]byte, len(secrets))
	for i, secret := range secrets {
		keys[i] = secret.Key("peer proof")
	}
	s.keys.Store(&keys)
}

// current returns the keys of proofs, the first first.
func (s *Secrets) current() [][]byte { return *s.keys.Load() }
