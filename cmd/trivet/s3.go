package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path"
	"strings"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// s3Part is how many bytes are sent to a store at once. With the 10,000 parts that
// stores allow, a backup may have 160 GB.
const s3Part = 16 << 20

// parseS3 takes s3://bucket/key apart; ok is false for what begins otherwise.
func parseS3(s string) (bucket, key string, ok bool, err error) {
	rest, ok := strings.CutPrefix(s, "s3://")
	if !ok {
		return "", "", false, nil
	}
	bucket, key, slash := strings.Cut(rest, "/")
	if bucket == "" || !slash {
		return "", "", true, fmt.Errorf("%q: use s3://bucket/key, or s3://bucket/prefix/ for a name with the time", s)
	}
	return bucket, key, true, nil
}

// openStore returns a client of the store that the AWS_ variables tell of: AWS's
// own, or a compatible one at AWS_ENDPOINT_URL, by the bucket's name in the path.
func openStore() (*minio.Client, error) {
	opts := &minio.Options{
		Creds: credentials.NewChainCredentials([]credentials.Provider{
			&credentials.EnvAWS{}, &credentials.FileAWSCredentials{}, &credentials.IAM{},
		}),
		Region: cmp.Or(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION")),
		Secure: true,
	}
	host := "s3.amazonaws.com"
	if at := cmp.Or(os.Getenv("AWS_ENDPOINT_URL_S3"), os.Getenv("AWS_ENDPOINT_URL")); at != "" {
		u, err := url.Parse(at)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || strings.Trim(u.Path, "/") != "" {
			return nil, usageError{fmt.Errorf("AWS_ENDPOINT_URL %q: use http://host:port or https://host:port", at)}
		}
		host, opts.Secure, opts.BucketLookup = u.Host, u.Scheme == "https", minio.BucketLookupPath
	}
	return minio.New(host, opts)
}

// openObject returns what reads an object.
func openObject(ctx context.Context, bucket, key string) (io.ReadCloser, error) {
	store, err := openStore()
	if err != nil {
		return nil, err
	}
	return store.GetObject(ctx, bucket, key, minio.GetObjectOptions{})
}

// objects is an object, and those beside it that are kept.
type objects struct {
	store       *minio.Client
	bucket, key string
	keep        int // 0 for all
}

func newObjects(_ context.Context, bucket, key string, keep int) (output, error) {
	store, err := openStore()
	if err != nil {
		return nil, err
	}
	if key == "" || strings.HasSuffix(key, "/") {
		key += stamped()
	}
	return objects{store, bucket, key, keep}, nil
}

func (o objects) name() string { return "s3://" + o.bucket + "/" + o.key }

// create begins an upload. The object is there once the upload is complete.
func (o objects) create(ctx context.Context) (pending, error) {
	r, w := io.Pipe()
	p := &upload{PipeWriter: w, done: make(chan error, 1)}
	go func() {
		_, err := o.store.PutObject(ctx, o.bucket, o.key, r, -1, minio.PutObjectOptions{
			PartSize: s3Part, ContentType: "application/octet-stream",
			// What all stores understand: an MD5 of each part, and no framing of the body.
			SendContentMd5: true, DisableContentSha256: true,
		})
		r.CloseWithError(cmp.Or(err, io.ErrClosedPipe))
		p.done <- err
	}()
	return p, nil
}

func (o objects) prune(ctx context.Context) error {
	if o.keep == 0 {
		return nil
	}
	prefix := strings.TrimSuffix(o.key, path.Base(o.key))
	var names []string
	for found := range o.store.ListObjects(ctx, o.bucket, minio.ListObjectsOptions{Prefix: prefix}) {
		if found.Err != nil {
			return fmt.Errorf("look for older backups: %w", found.Err)
		}
		names = append(names, strings.TrimPrefix(found.Key, prefix))
	}
	var faults []error
	for _, n := range outdated(names, o.keep) {
		faults = append(faults, o.store.RemoveObject(ctx, o.bucket, prefix+n, minio.RemoveObjectOptions{}))
	}
	return errors.Join(faults...)
}

// An upload is an object that is being sent.
type upload struct {
	*io.PipeWriter
	done chan error
}

func (u *upload) commit() error {
	u.Close()
	return <-u.done
}

// errDropped ends an upload, of which nothing stays.
var errDropped = errors.New("the backup is not complete")

func (u *upload) drop() error {
	u.CloseWithError(errDropped)
	if err := <-u.done; err != nil && !errors.Is(err, errDropped) {
		return err
	}
	return nil
}
