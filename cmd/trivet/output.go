package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// An output is where a backup goes.
type output interface {
	name() string
	create(ctx context.Context) (pending, error)
	prune(ctx context.Context) error // removes the older ones beyond those to keep
}

// A pending backup has its name once it is committed.
type pending interface {
	io.Writer
	commit() error
	drop() error
}

// backupName matches the names that trivet gives, and nothing else is removed.
var backupName = regexp.MustCompile(`^trivet-\d{8}T\d{6}Z\.backup$`)

// stamped returns the name of a backup that is made now.
func stamped() string { return time.Now().UTC().Format("trivet-20060102T150405Z.backup") }

// outdated returns which of the names to remove: backups beyond the newest keep.
func outdated(names []string, keep int) []string {
	names = slices.DeleteFunc(slices.Clone(names), func(n string) bool { return !backupName.MatchString(n) })
	slices.Sort(names)
	return names[:max(0, len(names)-keep)]
}

func openOutput(ctx context.Context, to string, keep int, stdout io.Writer) (output, error) {
	many := strings.HasSuffix(to, "/")
	switch bucket, key, ok, err := parseS3(to); {
	case keep < 0:
		return nil, fmt.Errorf("keep %d: use 0 or more", keep)
	case keep > 0 && !many:
		return nil, errors.New("keep is of use with an output that ends with / only")
	case err != nil:
		return nil, err
	case ok:
		return newObjects(ctx, bucket, key, keep)
	case to == "":
		return nil, errors.New("output is empty: name a file, a directory/, - or s3://bucket/key")
	case to == "-":
		return standard{stdout}, nil
	case many:
		return files{path: filepath.Join(to, stamped()), keep: keep}, nil
	}
	return files{path: to}, nil
}

// standard is standard output: who reads it must look at the exit status.
type standard struct{ io.Writer }

func (standard) name() string                              { return "-" }
func (s standard) create(context.Context) (pending, error) { return s, nil }
func (standard) prune(context.Context) error               { return nil }
func (standard) commit() error                             { return nil }
func (standard) drop() error                               { return nil }

// files is a file, and those beside it that are kept.
type files struct {
	path string
	keep int // 0 for all
}

func (f files) name() string { return f.path }

func (f files) create(context.Context) (pending, error) {
	file, err := os.CreateTemp(filepath.Dir(f.path), "."+filepath.Base(f.path)+".*.part")
	if err != nil {
		return nil, err
	}
	return &pendingFile{file, f.path}, nil
}

func (f files) prune(context.Context) error {
	if f.keep == 0 {
		return nil
	}
	dir := filepath.Dir(f.path)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	var faults []error
	for _, n := range outdated(names, f.keep) {
		faults = append(faults, os.Remove(filepath.Join(dir, n)))
	}
	return errors.Join(faults...)
}

// A pendingFile lies beside its name until it is complete.
type pendingFile struct {
	*os.File
	path string
}

func (p *pendingFile) commit() error {
	if err := errors.Join(p.Sync(), p.Close()); err != nil {
		return errors.Join(err, os.Remove(p.Name()))
	}
	if err := os.Rename(p.Name(), p.path); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(p.path))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

func (p *pendingFile) drop() error { return errors.Join(p.Close(), os.Remove(p.Name())) }
