package peer

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A Process is a server's. It ends with this one at the latest.
type Process struct {
	Name string
	Dir  string // of its own, for data
	cmd  *exec.Cmd
	args []string
	log  string
	done chan struct{} // closed when it has ended
}

// newProcess makes a directory below dir, but does not start anything yet.
func newProcess(dir, name, program string) (*Process, error) {
	p := &Process{Name: name, Dir: filepath.Join(dir, name), log: filepath.Join(dir, name+".log"), args: []string{program}}
	return p, os.MkdirAll(p.Dir, 0o700)
}

// Start runs the process, anew if it has ended.
func (p *Process) Start() error {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(p.args[0], p.args[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.Dir, log, log
	// Of a group of its own, so that Ctrl-C reaches this process alone.
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.Name, err)
	}
	done := make(chan struct{})
	p.cmd, p.done = cmd, done
	go func() {
		cmd.Wait() // its status is of no interest: what it served shows
		close(done)
	}()
	return nil
}

// Ended reports whether the process does not run.
func (p *Process) Ended() bool {
	if p.done == nil {
		return true
	}
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// Kill ends the process with SIGKILL and waits for its end.
func (p *Process) Kill() {
	if !p.Ended() {
		p.cmd.Process.Kill()
		<-p.done
	}
}

// Signal sends a signal to the process.
func (p *Process) Signal(s syscall.Signal) error { return p.cmd.Process.Signal(s) }

// Wait waits for the process's end, and reports whether it came in time.
func (p *Process) Wait(within time.Duration) bool {
	select {
	case <-p.done:
		return true
	case <-time.After(within):
		return false
	}
}

// LogTail returns the end of what the process printed.
func (p *Process) LogTail() string {
	b, _ := os.ReadFile(p.log)
	return string(b[max(0, len(b)-1500):])
}

// ticks is the unit of times in /proc, which is fixed on Linux.
const ticks = 100

// CPU returns the seconds of processor time that the process and its children
// that have ended have taken.
func (p *Process) CPU() (float64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, err
	}
	// The name, in brackets, may hold spaces.
	_, rest, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 15 {
		return 0, fmt.Errorf("/proc/%d/stat: %q", p.cmd.Process.Pid, b)
	}
	sum := 0.0
	for _, f := range fields[11:15] { // utime, stime, cutime, cstime
		n, err := strconv.ParseFloat(f, 64)
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum / ticks, nil
}

// Resident returns the bytes of memory that the process holds, and the most that
// it has held since ResetPeak.
func (p *Process) Resident() (now, peak int64, err error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, 0, err
	}
	for line := range strings.Lines(string(b)) {
		name, value, _ := strings.Cut(line, ":")
		kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		switch name {
		case "VmRSS":
			now = kb << 10
		case "VmHWM":
			peak = kb << 10
		}
	}
	return now, peak, nil
}

// ResetPeak makes the peak of memory what is held now.
func (p *Process) ResetPeak() error {
	return os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", p.cmd.Process.Pid), []byte("5"), 0)
}

// freeAddresses finds n loopback addresses that nobody listens on, below the range
// that the kernel gives to outgoing connections.
func freeAddresses(n int) ([]string, error) {
	var free []string
	for port := 20000 + os.Getpid()*37%5000; port < 32000; port++ {
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		l, err := net.Listen("tcp", addr)
		if err != nil {
			continue
		}
		l.Close()
		u, err := net.ListenPacket("udp", addr)
		if err != nil {
			continue
		}
		u.Close()
		if free = append(free, addr); len(free) == n {
			return free, nil
		}
	}
	return nil, fmt.Errorf("no %d free ports on 127.0.0.1", n)
}
