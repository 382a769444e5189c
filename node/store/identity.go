package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/hashicorp/raft"

	"github.com/trivetdb/trivet/node/store/disk"
)

// An Identity says who the node on a data directory is.
type Identity struct {
	Name        string // as given by the operator, unique in the cluster
	ID          uint64 // drawn when the directory was made
	Cluster     string // the cluster's identity, "" until adopted
	Coordinator string // who made the cluster, as its raft ID
}

// RaftID returns the identity that raft knows the node by. It differs for two
// directories of the same name: a node that lost its disk forgot its votes and
// must not count as itself.
func (i Identity) RaftID() raft.ServerID {
	return raft.ServerID(fmt.Sprintf("%s-%016x", i.Name, i.ID))
}

// ParseRaftID takes apart what Identity.RaftID puts together.
func ParseRaftID(s raft.ServerID) (name string, id uint64, ok bool) {
	cut := strings.LastIndexByte(string(s), '-')
	if cut < 1 || len(s)-cut-1 != 16 {
		return "", 0, false
	}
	hex := string(s[cut+1:])
	id, err := strconv.ParseUint(hex, 16, 64)
	if err != nil || hex != strings.ToLower(hex) {
		return "", 0, false
	}
	return string(s[:cut]), id, true
}

// identityFile is node.json. The ID is text, since other tools read JSON's
// numbers as floats.
type identityFile struct {
	Name        string `json:"name"`
	ID          string `json:"id"`
	Cluster     string `json:"cluster"`
	Coordinator string `json:"coordinator"`
	Sum         string `json:"sum"` // see sum
}

// sum returns the checksum of all fields but the sum itself.
func (f identityFile) sum() string {
	f.Sum = ""
	b, _ := json.Marshal(f) // strings always can
	return fmt.Sprintf("%08x", crc32.Checksum(b, castagnoli))
}

const identityName = "node.json"

// readIdentity reads node.json. Where there is none, found is false.
func readIdentity(dir string) (id Identity, found bool, err error) {
	b, err := os.ReadFile(filepath.Join(dir, identityName))
	if errors.Is(err, fs.ErrNotExist) {
		return Identity{}, false, nil
	}
	if err != nil {
		return Identity{}, false, err
	}
	var f identityFile
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return Identity{}, false, place(dir).damagedf("%s: %w", identityName, err)
	}
	n, err := strconv.ParseUint(f.ID, 16, 64)
	if err != nil || f.sum() != f.Sum {
		return Identity{}, false, place(dir).damagedf("%s: wrong checksum", identityName)
	}
	return Identity{Name: f.Name, ID: n, Cluster: f.Cluster, Coordinator: f.Coordinator}, true, nil
}

// writeIdentity replaces node.json. It is durable when writeIdentity returns,
// and at every moment either the old file is there or the new one.
func writeIdentity(dir string, id Identity) error {
	f := identityFile{Name: id.Name, ID: fmt.Sprintf("%016x", id.ID), Cluster: id.Cluster, Coordinator: id.Coordinator}
	f.Sum = f.sum()
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(dir, identityName)
	if err := writeSynced(path+".tmp", append(b, '\n')); err != nil {
		return err
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		return err
	}
	return disk.SyncDir(dir)
}

func writeSynced(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}
