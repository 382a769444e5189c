package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"

	"github.com/trivetdb/trivet/test/bench/peer"
)

// need are the programs that must be on this machine, and Debian's packages that
// have them. NATS is built: Debian's has no sync_interval.
var need = map[string]string{
	"redis-server": "redis-server", "redis-benchmark": "redis-tools", "etcd": "etcd-server",
}

// missing returns the packages whose programs are not there.
func missing() (packages []string) {
	for program, pkg := range need {
		if _, err := exec.LookPath(program); err != nil {
			packages = append(packages, pkg)
		}
	}
	return packages
}

// build makes the programs of this repository and of NATS in dir.
func build(ctx context.Context, dir string) (m peer.Machine, err error) {
	m = peer.Machine{Dir: dir, NATS: filepath.Join(dir, "nats-server")}
	if m.Trivet, err = buildTrivet(ctx, "../..", filepath.Join(dir, "trivet")); err != nil {
		return m, err
	}
	return m, goRun(ctx, ".", "build", "-o", m.NATS, "github.com/nats-io/nats-server/v2")
}

func buildTrivet(ctx context.Context, root, path string) (string, error) {
	return path, goRun(ctx, root, "build", "-o", path, "./cmd/trivet")
}

func goRun(ctx context.Context, dir string, args ...string) error {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	return nil
}

// output returns what a program prints, in one line, or why it cannot.
func output(name string, args ...string) string {
	out, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return err.Error()
	}
	first, _, _ := strings.Cut(string(out), "\n")
	return strings.TrimSpace(first)
}

func versions(m peer.Machine) map[string]string {
	return map[string]string{
		"redis": output("redis-server", "--version"), "etcd": output("etcd", "--version"),
		"nats": output(m.NATS, "--version"), "go": runtime.Version(),
	}
}

// machine describes this one, and the disk that dir is on.
func machine(dir string) string {
	cpu := "unknown processor"
	info, _ := os.ReadFile("/proc/cpuinfo") // empty where there is none
	for line := range strings.Lines(string(info)) {
		if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
			cpu = strings.TrimSpace(value)
			break
		}
	}
	var memory syscall.Sysinfo_t
	syscall.Sysinfo(&memory) // zero if it fails
	return fmt.Sprintf("%d cores of %s, %d MiB of memory, %s, data on %s", runtime.NumCPU(), cpu,
		memory.Totalram*uint64(memory.Unit)>>20, output("uname", "-sr"), output("findmnt", "-n", "-o", "FSTYPE", "-T", dir))
}
