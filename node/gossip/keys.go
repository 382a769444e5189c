package gossip

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/memberlist"
)

// ParseKeys reads keys of 16, 24 or 32 bytes in base64, one a line. The first
// encrypts; what any of them encrypted is understood. Empty lines and lines that
// begin with # say nothing. The error lists all faults, and no key.
func ParseKeys(text string) (keys [][]byte, err error) {
	var faults []error
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		key, err := base64.StdEncoding.DecodeString(line)
		switch {
		case err != nil:
			faults = append(faults, fmt.Errorf("line %d is no base64", number))
		case memberlist.ValidateKey(key) != nil:
			faults = append(faults, fmt.Errorf("line %d is a key of %d bytes: use 16, 24 or 32", number, len(key)))
		case !slices.ContainsFunc(keys, func(k []byte) bool { return bytes.Equal(k, key) }):
			keys = append(keys, key)
		}
	}
	if keys == nil && faults == nil {
		faults = append(faults, errors.New("no key in it; make one with: head -c 32 /dev/urandom | base64"))
	}
	return keys, errors.Join(faults...)
}

// SetKeys changes the keys of a gossip that was started with some: the first
// encrypts from now on, and those that are not among them are of no use any more.
func (g *Gossip) SetKeys(keys [][]byte) error {
	if g.keys == nil || len(keys) == 0 {
		return errors.New("gossip: encryption cannot be turned on or off while the node runs")
	}
	for _, key := range keys {
		if err := g.keys.AddKey(key); err != nil {
			return fmt.Errorf("gossip: %w", err)
		}
	}
	// Each key that is used comes to the front: then those to be removed lie at
	// the end, where memberlist removes them without a change to what its readers
	// hold.
	for _, key := range slices.Backward(keys) {
		if err := g.keys.UseKey(key); err != nil {
			return fmt.Errorf("gossip: %w", err)
		}
	}
	for _, key := range slices.Backward(g.keys.GetKeys()[len(keys):]) {
		if err := g.keys.RemoveKey(key); err != nil {
			return fmt.Errorf("gossip: %w", err)
		}
	}
	return nil
}
