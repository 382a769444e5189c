//go:build libraries

package libraries

import (
	"path/filepath"
	"testing"
)

var bullmq = library{
	name: "bullmq", modes: []string{url, through, sentinel, clustered}, install: node("ioredis"),
	workers: nodeWorkers, produce: nodeProducer,
	// A job whose worker's connection died is found stalled and runs again.
	holds: 4, twice: true,
}

// The adapter for node-redis knows neither Sentinel nor Cluster.
var bullmqNodeRedis = library{
	name: "node-redis", modes: []string{url, through}, install: node("node-redis"),
	workers: nodeWorkers, produce: nodeProducer,
}

func nodeWorkers(tools toolset, _ string, _ []string) [][]string {
	worker := []string{"node", tools.file("worker.js")}
	return [][]string{worker, worker, worker}
}

func nodeProducer(tools toolset) []string { return []string{"node", tools.file("produce.js")} }

// node installs what bullmq/package-lock.json says.
func node(driver string) func(t *testing.T, mode string) toolset {
	return func(t *testing.T, _ string) toolset {
		source := absolute(t, "bullmq")
		lock, manifest := filepath.Join(source, "package-lock.json"), filepath.Join(source, "package.json")
		home := cached(t, "bullmq", []string{lock}, func(dir string) {
			command(t, dir, "cp", lock, manifest, dir)
			// Not npm ci: it refuses a lock file without the builds of other systems.
			command(t, dir, "npm", "install", "--no-save", "--ignore-scripts", "--no-audit", "--no-fund")
		})
		return toolset{source: source, home: home, env: []string{
			"NODE_PATH=" + filepath.Join(home, "node_modules"), "DRIVER=" + driver}}
	}
}
