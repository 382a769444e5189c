// Command e2e installs the chart in a Kubernetes cluster, lets happen to it what
// happens to pods, and checks what clients saw that wrote all the time. See
// docs/kubernetes-tests.md.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/trivetdb/trivet/deploy/e2e/load"
)

const (
	replicas    = 3
	installTime = time.Minute // until the first installation is ready
)

// options are the flags.
type options struct {
	repo         string   // the repository's root
	kit          kit      // makes the cluster, where it has a dir
	image        string   // of trivet, registry/repository:tag
	upgradeImage string   // that helm upgrade goes to
	toolsImage   string   // of this program
	namespace    string   // is made, and deleted at the end
	only         []string // events to run; empty for all
	times        int      // how often all is done
	clients      int      // of each kind, for each Service
	keep         bool     // leaves all as it is at the end
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "writer" {
		err := http.ListenAndServe(fmt.Sprintf(":%d", load.Port), new(load.Load).Handler())
		fmt.Fprintln(os.Stderr, "e2e writer:", err)
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, parse()); err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		os.Exit(1)
	}
}

func parse() options {
	var o options
	flag.StringVar(&o.repo, "repo", ".", "root of trivet's repository")
	flag.StringVar(&o.kit.dir, "kit", "", "directory of commands that make a cluster: up, down, enter, make-image, load-image; without it the current context is used")
	flag.StringVar(&o.image, "image", "", "image of trivet, with registry and tag; with --kit the default is one built from the repository")
	flag.StringVar(&o.upgradeImage, "upgrade-image", "", "image of trivet that helm upgrade changes to")
	flag.StringVar(&o.toolsImage, "tools-image", "", "image whose entry point is this program, for the writers")
	flag.StringVar(&o.namespace, "namespace", "trivet-e2e", "namespace, made at the start and deleted at the end")
	only := flag.String("only", "", "run these events only, besides install: names with commas between; list shows them")
	flag.IntVar(&o.times, "times", 1, "how often to run all, with --kit from up to down each time")
	flag.IntVar(&o.clients, "clients", 2, "clients of each kind at each of the two Services")
	flag.BoolVar(&o.keep, "keep", false, "leave the namespace and the cluster as they are at the end")
	flag.Parse()
	if *only == "list" {
		for _, e := range events {
			fmt.Printf("%-16s %s\n", e.name, e.about)
		}
		os.Exit(0)
	}
	if *only != "" {
		o.only = strings.Split(*only, ",")
	}
	return o
}

func (o options) validate() error {
	if o.times < 1 || o.clients < 1 {
		return errors.New("--times and --clients are 1 or more")
	}
	for _, name := range o.only {
		if _, ok := find(name); !ok {
			return fmt.Errorf("there is no event %q; --only list shows them", name)
		}
	}
	if o.kit.dir == "" && (o.image == "" || o.upgradeImage == "" || o.toolsImage == "") {
		return errors.New("without --kit give --image, --upgrade-image and --tools-image, pushed where the cluster can pull them")
	}
	if _, err := os.Stat(o.chart()); err != nil {
		return fmt.Errorf("--repo is not trivet's repository: %w", err)
	}
	return nil
}

func (o options) chart() string { return filepath.Join(o.repo, "helm", "trivet") }

// run runs all events as often as was asked for.
func run(ctx context.Context, o options) error {
	if err := o.validate(); err != nil {
		return err
	}
	for i := range o.times {
		if o.times > 1 {
			fmt.Printf("\nrun %d of %d\n", i+1, o.times)
		}
		if err := once(ctx, o); err != nil {
			return err
		}
	}
	return nil
}

// once runs all events, on a cluster of their own where there is a kit.
func once(ctx context.Context, o options) (err error) {
	s := &suite{options: o, out: os.Stdout, began: time.Now()}
	if o.kit.dir != "" {
		if err := s.makeCluster(ctx); err != nil {
			return err
		}
		if !o.keep {
			defer func() {
				_, fault := o.kit.run(context.WithoutCancel(ctx), "down")
				err = errors.Join(err, fault)
			}()
		}
	}
	if err := needHelm(); err != nil {
		return err
	}
	if s.kube, err = openKube(o.namespace); err != nil {
		return err
	}
	s.on = s.release("trivet", "main")
	err = s.run(ctx)
	fmt.Println()
	writeTable(os.Stdout, s.rows)
	fmt.Println()
	return err
}

// release describes an installation of the chart.
func (s *suite) release(name, store string) *release {
	registry, rest, _ := strings.Cut(s.image, "/")
	repository, tag, _ := cutLast(rest, ":")
	return &release{kube: s.kube, name: name, store: store, chart: s.chart(), set: map[string]string{
		"image.registry": registry, "image.repository": repository, "image.tag": tag,
		"persistence.size": "1Gi",
	}}
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}

// makeCluster brings the kit's cluster up and the images into it.
func (s *suite) makeCluster(ctx context.Context) error {
	s.say("the cluster: up")
	if err := s.kit.up(ctx); err != nil {
		return err
	}
	s.say("the images: build and load")
	self, err := os.Executable()
	if err != nil {
		return err
	}
	if s.toolsImage == "" {
		s.toolsImage = "example.org/trivet-e2e:1"
		if err := s.kit.image(ctx, s.toolsImage, self); err != nil {
			return err
		}
	}
	for version, image := range map[string]*string{"0.0.1-e2e": &s.image, "0.0.2-e2e": &s.upgradeImage} {
		if *image != "" {
			continue
		}
		*image = "example.org/trivet:" + version
		if err := s.build(ctx, version, *image); err != nil {
			return err
		}
	}
	return nil
}

// build builds trivet with a version and loads it as an image.
func (s *suite) build(ctx context.Context, version, image string) error {
	dir, err := os.MkdirTemp("", "trivet-e2e-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "trivet")
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w -X main.version="+version, "-o", program, "./cmd/trivet")
	cmd.Dir, cmd.Env = s.repo, append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build trivet: %w\n%s", err, out)
	}
	return s.kit.image(ctx, image, program)
}
