//go:build libraries

package libraries

var huey = library{
	name: "huey", modes: []string{url, sentinel}, install: python("huey"),
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
	name: "rq", modes: []string{url, sentinel}, install: python("rq"),
	workers: func(tools toolset, mode string, nodes []string) [][]string {
		worker := func(args ...string) []string {
			command := []string{tools.bin("rq"), "worker", "--with-scheduler", "--maintenance-interval", "20", "trivet"}
			if mode == sentinel {
				return append(append(command, "--config", "settings"), args...)
			}
			return append(append(command, "--url", "redis://" + nodes[0]), args...)
		}
		simple := []string{"--worker-class", "rq.worker.SimpleWorker"}
		return [][]string{worker(), worker(), worker(simple...), worker(simple...)}
	},
	produce: script, holds: 2, loses: true, twice: true, resend: true,
}

// script is the producer of a library in Python.
func script(tools toolset) []string { return []string{tools.bin("python"), tools.file("produce.py")} }
