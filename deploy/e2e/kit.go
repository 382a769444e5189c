package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// A kit is a directory of commands that make a cluster of one node for tests:
//
//	up                              starts it and prints the path of a kubeconfig
//	down                            ends it
//	enter COMMAND...                runs a command on the node, as root
//	make-image NAME ROOT OUT ENTRY  packs a directory as an image
//	load-image FILE                 makes an image known to the node
//
// kubectl and helm are in PATH or in ~/.cache/kube-kit/bin.
type kit struct{ dir string }

// run runs one of the kit's commands and returns its standard output.
func (k kit) run(ctx context.Context, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, filepath.Join(k.dir, name), args...)
	var out, faults bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &faults
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, faults.String())
	}
	return strings.TrimSpace(out.String()), nil
}

// up starts the cluster, or finds it running, and makes it the current one.
func (k kit) up(ctx context.Context) error {
	config, err := k.run(ctx, "up")
	if err != nil {
		return err
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return err
	}
	if err := os.Setenv("KUBECONFIG", config); err != nil {
		return err
	}
	return os.Setenv("PATH", filepath.Join(home, ".cache", "kube-kit", "bin")+":"+os.Getenv("PATH"))
}

// image makes an image of one static program, and loads it.
func (k kit) image(ctx context.Context, name, program string) error {
	dir, err := os.MkdirTemp("", "trivet-e2e-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	root, tar := filepath.Join(dir, "root"), filepath.Join(dir, "image.tar")
	if err := os.Mkdir(root, 0o755); err != nil {
		return err
	}
	binary, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	entry := "/" + filepath.Base(program)
	if err := os.WriteFile(root+entry, binary, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(tar, nil, 0o644); err != nil {
		return err
	}
	if _, err := k.run(ctx, "make-image", name, root, tar, entry); err != nil {
		return err
	}
	_, err = k.run(ctx, "load-image", tar)
	return err
}

// pid returns the process of a container on the node.
func (k kit) pid(ctx context.Context, containerID string) (string, error) {
	id := strings.TrimPrefix(containerID, "containerd://")
	tasks, err := k.run(ctx, "enter", "ctr", "-n", "k8s.io", "tasks", "ls")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(tasks) {
		if f := strings.Fields(line); len(f) >= 2 && f[0] == id {
			return f[1], nil
		}
	}
	return "", fmt.Errorf("the node has no container %s", id)
}
