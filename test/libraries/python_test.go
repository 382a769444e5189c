//go:build libraries

package libraries

import (
	"os"
	"path/filepath"
	"testing"
	"time"
)

var huey = library{
	name: "huey", modes: []string{url, through, sentinel}, install: python("huey"),
	workers: func(tools toolset, _ string, _ []string) [][]string {
		consumer := func(args ...string) []string {
			return append([]string{tools.bin("huey_consumer"), "app.huey", "-d", "0.05"}, args...)
		}
		return [][]string{
			consumer("-w", "2", "-k", "thread"), consumer("-w", "2", "-k", "thread"), consumer("-w", "2", "-k", "process"),
		}
	},
	produce: script,
	// A task is popped before it runs: what a dying node had popped and not
	// delivered is gone.
	holds: 3, loses: true, resend: true,
}

var rq = library{
	name: "rq", modes: []string{url, through, sentinel}, install: python("rq"),
	workers: func(tools toolset, mode string, nodes []string) [][]string {
		// A worker looks whether the scheduler has died when it has waited for jobs
		// for its time to live less 15 s.
		worker := func(args ...string) []string {
			command := []string{tools.bin("rq"), "worker", "--with-scheduler", "--maintenance-interval", "20", "--worker-ttl", "40", "trivet"}
			switch mode {
			case sentinel:
				// A worker ends at an error of its connection outside of its wait.
				command = append([]string{"sh", "-c", supervisor, "supervisor"}, command...)
				return append(append(command, "--config", "settings"), args...)
			case through:
				command = append(command, "--connection-class", "settings.Patient")
			}
			return append(append(command, "--url", "redis://"+nodes[0]), args...)
		}
		simple := []string{"--worker-class", "rq.worker.SimpleWorker"}
		return [][]string{worker(), worker(), worker(simple...), worker(simple...)}
	},
	// A job whose worker ended is found abandoned when it has had no heartbeat for
	// 90 s, and runs again.
	produce: script, holds: 2, twice: true, resend: true, slow: 2 * time.Minute,
}

var celery = library{
	name: "celery", modes: []string{url, through, sentinel}, install: python("celery"),
	workers: func(tools toolset, _ string, _ []string) [][]string {
		worker := func(name string, args ...string) []string {
			return append([]string{tools.bin("celery"), "-A", "app", "worker", "-n", name + "@localhost", "-l", "INFO", "-c", "2"}, args...)
		}
		return [][]string{worker("one"), worker("two"), worker("three", "-P", "threads")}
	},
	// Eight messages for each of two slots may be reserved by a worker. They run again
	// after the visibility timeout of a minute; one that was popped and not noted
	// yet is gone.
	produce: script, holds: 16, loses: true, twice: true, resend: true, slow: 100 * time.Second,
}

var dramatiq = library{
	name: "dramatiq", modes: []string{url, through, sentinel}, install: python("dramatiq"),
	workers: func(tools toolset, _ string, _ []string) [][]string {
		worker := []string{tools.bin("dramatiq"), "app", "--processes", "1", "--threads", "4"}
		return [][]string{worker, worker, worker}
	},
	// A worker takes up to twice as many messages as it has threads. Those that it
	// has not acknowledged run again when its heartbeat is missed: not before its
	// process has ended. What is to be done after a group is not, where the worker's
	// connection died while it told that the last one is done.
	produce: script, holds: 16, loses: true, twice: true, resend: true,
}

var arq = library{
	name: "arq", modes: []string{url, through, sentinel}, install: python("arq"),
	workers: func(tools toolset, mode string, _ []string) [][]string {
		worker := []string{tools.bin("arq"), "app.WorkerSettings"}
		if mode != url {
			// A worker ends where its connection dies while it watches a job's key.
			worker = append([]string{"sh", "-c", supervisor, "supervisor"}, worker...)
		}
		return [][]string{worker, worker, worker}
	},
	// Jobs run at least once: one whose end was not written runs again when its
	// worker's mark has expired.
	produce: script, holds: 4, twice: true, resend: true,
}

// supervisor starts a program again whenever it ends, as systemd and Kubernetes
// do, until it is told to stop.
const supervisor = `trap 'stop=yes; kill -TERM $!' TERM
while "$@" & wait $!; status=$?; [ -z "$stop" ]; do
	echo "supervisor: ended with status $status"
	sleep 0.5
done
wait`

// script is the producer of a library in Python.
func script(tools toolset) []string { return []string{tools.bin("python"), tools.file("produce.py")} }

// python installs the requirements of a library: requirements-MODE.txt where
// there is one, else requirements.txt.
func python(name string) func(t *testing.T, mode string) toolset {
	return func(t *testing.T, mode string) toolset {
		source := absolute(t, name)
		requirements := filepath.Join(source, "requirements-"+mode+".txt")
		if _, err := os.Stat(requirements); err != nil {
			requirements = filepath.Join(source, "requirements.txt")
		}
		home := cached(t, name, []string{requirements}, func(dir string) {
			command(t, dir, "python3", "-m", "venv", dir)
			command(t, dir, filepath.Join(dir, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check", "-r", requirements)
		})
		return toolset{source: source, home: home, env: []string{
			"PYTHONPATH=" + source + ":" + absolute(t, "common"), "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1"}}
	}
}
