//go:build libraries

package libraries

import (
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// A process is a worker or a producer, and the processes that it starts.
type process struct {
	name string
	log  string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// start runs a command line with more environment; its processes end with the
// test.
func start(t *testing.T, dir, name string, env, args []string) *process {
	t.Helper()
	p := &process{name: name, log: filepath.Join(dir, name+".log"), done: make(chan struct{})}
	log, err := os.Create(p.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	p.cmd = exec.Command(args[0], args[1:]...)
	p.cmd.Dir = dir
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	p.cmd.SysProcAttr = processAttributes()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.cmd.Wait()
		close(p.done)
	}()
	t.Cleanup(func() {
		if t.Failed() && p.running() { // one in Python then tells where it is
			p.cmd.Process.Signal(syscall.SIGUSR1)
			p.ends(time.Second)
		}
		syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL)
		<-p.done
		if t.Failed() {
			text, _ := os.ReadFile(p.log)
			t.Logf("--- log of %s, its end:\n%s", p.name, text[max(0, len(text)-*tail):])
		}
	})
	return p
}

func (p *process) running() bool {
	select {
	case <-p.done:
		return false
	default:
		return true
	}
}

// ends waits for the end of the process and returns its exit status, or -1.
func (p *process) ends(within time.Duration) int {
	select {
	case <-p.done:
		return p.cmd.ProcessState.ExitCode()
	case <-time.After(within):
		return -1
	}
}

// stop asks the process to end, as an operator does, and fails the test unless
// it does so by itself.
func (p *process) stop(t *testing.T) {
	t.Helper()
	p.cmd.Process.Signal(syscall.SIGTERM)
	if p.ends(time.Minute) == -1 && p.running() {
		t.Errorf("%s does not stop at SIGTERM: it hangs", p.name)
	}
}
