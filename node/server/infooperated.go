package server

import (
	"fmt"
	"os"
	"strconv"
	"strings"

	"github.com/trivetdb/trivet/fsm"
)

// infoSaves tells of the snapshots that clients asked for; those that the node
// takes by itself only move the time of the last.
func infoSaves(r *report) {
	running, failed, count, took := r.saves.look()
	status, seconds := "ok", int64(took.Seconds())
	if failed {
		status = "err"
	}
	if count == 0 && !failed {
		seconds = -1
	}
	r.line("rdb_bgsave_in_progress", truth(running))
	r.line("rdb_last_save_time", r.savedAt(&r.status))
	r.line("rdb_last_bgsave_status", status)
	r.line("rdb_last_bgsave_time_sec", seconds)
	r.line("rdb_saves", count)
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}

// infoMemoryUse compares the memory that is used with what there is and was.
func infoMemoryUse(r *report, used uint64) {
	r.line("used_memory_peak_perc", fmt.Sprintf("%.2f%%", 100*float64(used)/float64(max(r.notePeak(used), 1))))
	r.line("mem_fragmentation_ratio", fmt.Sprintf("%.2f", float64(resident())/float64(max(used, 1))))
	r.line("mem_clients_normal", r.held.bytes.Load())
	if total := systemMemory(); total > 0 {
		r.line("total_system_memory", total)
		r.line("total_system_memory_human", human(total))
	}
}

// systemMemory returns the machine's memory in bytes, 0 where it cannot be learned.
func systemMemory() uint64 {
	text, _ := os.ReadFile("/proc/meminfo")
	for line := range strings.Lines(string(text)) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == "MemTotal:" {
			kilobytes, _ := strconv.ParseUint(fields[1], 10, 64)
			return kilobytes << 10
		}
	}
	return 0
}

func infoRates(r *report) {
	commands, in, out := r.rates.get()
	r.line("instantaneous_ops_per_sec", int64(commands))
	r.line("instantaneous_input_kbps", fmt.Sprintf("%.2f", in/1024))
	r.line("instantaneous_output_kbps", fmt.Sprintf("%.2f", out/1024))
}

// infoFollowers lists the members that answer the leader, as Redis lists the
// replicas that are connected. The offset may be half a second old.
func infoFollowers(r *report) {
	var lines []string
	for _, m := range r.opts.Backend.Replicas() {
		host, port := splitAddr(m.Redis)
		lines = append(lines, fmt.Sprintf("ip=%s,port=%d,state=online,offset=%d,lag=0", host, port, m.Applied))
	}
	r.line("connected_slaves", len(lines))
	for i, line := range lines {
		r.line(fmt.Sprintf("slave%d", i), line)
	}
	r.line("master_failover_state", "no-failover")
}

func infoLatencyStats(r *report) {
	for _, row := range r.table.all {
		if h := row.stats.histogram(); h != nil && row.Flags&fsm.ClassicOnly == 0 {
			r.line("latency_percentiles_usec_"+row.full, h.percentiles())
		}
	}
}
