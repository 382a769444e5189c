//go:build libraries

package libraries

import "testing"

// Debian's: apt-get install ruby-sidekiq.
var sidekiq = library{
	name: "sidekiq", modes: []string{url, through, sentinel},
	install: func(t *testing.T, _ string) toolset {
		command(t, "", "sidekiq", "--version")
		return toolset{source: absolute(t, "sidekiq")}
	},
	workers: func(tools toolset, _ string, _ []string) [][]string {
		worker := []string{"sidekiq", "-r", tools.file("app.rb"), "-c", "4", "-q", "default"}
		return [][]string{worker, worker, worker}
	},
	produce: func(tools toolset) []string { return []string{"ruby", tools.file("produce.rb")} },
	// A job is popped before it runs (the reliable fetch is not free), and the
	// connection sends a command again that had no reply.
	holds: 4, loses: true, twice: true, resend: true,
}
