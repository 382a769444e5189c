package server

import (
	"crypto/sha1"
	"fmt"
	"maps"
	"os"
	"runtime"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trivetdb/trivet/resp"
)

var infoCommands = []local{
	{spec("INFO", -1, forHelp, "server", "Describe this node.", "1.0.0"), "[section ...]", []string{"@dangerous"}, info},
}

// A section is a part of INFO.
type section struct {
	name  string
	extra bool // only where it is asked for, or all is
	write func(*report)
}

var sections = []section{
	{"server", false, infoServer},
	{"clients", false, infoClients},
	{"memory", false, infoMemory},
	{"persistence", false, infoPersistence},
	{"stats", false, infoStats},
	{"replication", false, infoReplication},
	{"cpu", false, infoCPU},
	{"commandstats", true, infoCommandStats},
	{"errorstats", false, infoErrorStats},
	{"latencystats", true, infoLatencyStats},
	{"cluster", false, infoCluster},
	{"keyspace", false, infoKeyspace},
	{"raft", false, infoRaft},
}

// A report is the reply to INFO as far as it is written.
type report struct {
	*Server
	status Status
	leads  bool
	text   strings.Builder
}

// line adds a field.
func (r *report) line(name string, value any) { fmt.Fprintf(&r.text, "%s:%v\r\n", name, value) }

func info(s *session, args [][]byte) resp.Value {
	wanted := map[string]bool{}
	for _, arg := range args[1:] {
		wanted[strings.ToLower(string(arg))] = true
	}
	all := wanted["all"] || wanted["everything"]
	usual := len(args) == 1 || wanted["default"]
	r := &report{Server: s.srv, status: s.srv.opts.Backend.Status(), leads: s.srv.opts.Backend.Leads()}
	for _, sec := range sections {
		if !all && !wanted[sec.name] && (sec.extra || !usual) {
			continue
		}
		if r.text.Len() > 0 {
			r.text.WriteString("\r\n")
		}
		r.text.WriteString("# " + title(sec.name) + "\r\n")
		sec.write(r)
	}
	return resp.Text(r.text.String())
}

// title returns the heading of a section.
func title(name string) string {
	if name == "cpu" {
		return "CPU"
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

func infoServer(r *report) {
	up := int64(time.Since(r.started).Seconds())
	arch := runtime.GOARCH
	if arch == "amd64" {
		arch = "x86_64"
	}
	release, _ := os.ReadFile("/proc/sys/kernel/osrelease")
	system := strings.ToUpper(runtime.GOOS[:1]) + runtime.GOOS[1:]
	r.line("redis_version", redisVersion)
	r.line("trivet_version", r.opts.Version)
	r.line("redis_mode", "standalone")
	r.line("os", strings.Join(append(strings.Fields(system+" "+string(release)), arch), " "))
	r.line("arch_bits", strconv.IntSize)
	r.line("go_version", runtime.Version())
	r.line("process_id", os.Getpid())
	r.line("run_id", r.opts.RunID)
	r.line("tcp_port", portOf(r.opts.RedisAddr))
	r.line("classic_port", portOf(r.opts.ClassicAddr))
	r.line("server_time_usec", time.Now().UnixMicro())
	r.line("uptime_in_seconds", up)
	r.line("uptime_in_days", up/86400)
}

func infoClients(r *report) {
	r.line("connected_clients", r.conns.total())
	r.line("maxclients", r.maxClients())
	r.line("blocked_clients", r.counts.blocked.Load())
	r.line("tracking_clients", 0)
}

func infoMemory(r *report) {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	used := sample[0].Value.Uint64()
	size := func(name string, n uint64) {
		r.line(name, n)
		r.line(name+"_human", human(n))
	}
	size("used_memory", used)
	size("used_memory_rss", resident())
	size("used_memory_peak", r.notePeak(used))
	r.line("used_memory_dataset", r.status.DataBytes)
	size("maxmemory", r.settings.Load().MaxMemory())
	r.line("maxmemory_policy", "noeviction")
	r.line("mem_allocator", "go")
	infoMemoryUse(r, used)
}

// human writes a number of bytes as Redis does: 1.49M.
func human(n uint64) string {
	f, unit := float64(n), -1
	for f >= 1024 && unit < len("KMGTPE")-1 {
		f, unit = f/1024, unit+1
	}
	if unit < 0 {
		return fmt.Sprintf("%dB", n)
	}
	return fmt.Sprintf("%.2f%c", f, "KMGTPE"[unit])
}

// resident returns the process's memory in bytes, 0 where it cannot be learned.
func resident() uint64 {
	text, _ := os.ReadFile("/proc/self/statm")
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseUint(fields[1], 10, 64)
	return pages * uint64(os.Getpagesize())
}

func infoPersistence(r *report) {
	r.line("loading", 0)
	r.line("async_loading", 0)
	r.line("rdb_changes_since_last_save", r.status.LastIndex-min(r.status.LastIndex, r.status.SnapshotAt))
	infoSaves(r)
	r.line("aof_enabled", 1)
	r.line("aof_rewrite_in_progress", 0)
	r.line("aof_last_bgrewrite_status", "ok")
	r.line("aof_last_write_status", "ok")
}

func infoStats(r *report) {
	r.line("total_connections_received", r.counts.accepted.Load())
	r.line("total_commands_processed", r.counts.commands.Load())
	infoRates(r)
	r.line("total_net_input_bytes", r.counts.in.Load())
	r.line("total_net_output_bytes", r.counts.out.Load())
	r.line("rejected_connections", r.counts.rejected.Load())
	r.line("expired_keys", r.status.ExpiredKeys)
	r.line("evicted_keys", 0)
	r.line("evicted_clients", r.counts.ended[endedByMemory].Load())
	r.line("client_output_buffer_limit_disconnections", r.counts.ended[endedByReplies].Load()+r.counts.silent.Load())
	r.line("keyspace_hits", r.counts.hits.Load())
	r.line("keyspace_misses", r.counts.misses.Load())
	r.line("pubsub_channels", len(r.hub.list(ofChannel, "")))
	r.line("pubsub_patterns", len(r.hub.list(ofPattern, "")))
	r.line("pubsubshard_channels", len(r.hub.list(ofShard, "")))
	r.line("total_error_replies", r.counts.errors.Load())
	r.denials(&r.Server.denials)
}

func infoReplication(r *report) {
	if r.leads {
		r.line("role", "master")
		infoFollowers(r)
	} else {
		host, port := splitAddr(r.status.LeaderRedis)
		link := "up"
		if r.status.LeaderID == "" {
			link = "down"
		}
		r.line("role", "slave")
		r.line("master_host", host)
		r.line("master_port", port)
		r.line("master_link_status", link)
		r.line("master_last_io_seconds_ago", lastIO(r.status.LastContact))
		r.line("master_sync_in_progress", 0)
		r.line("slave_repl_offset", r.status.Applied)
		r.line("slave_priority", 100)
		r.line("connected_slaves", 0)
	}
	r.line("master_replid", fmt.Sprintf("%x", sha1.Sum([]byte(r.status.Cluster))))
	r.line("master_repl_offset", r.status.Applied)
}

func lastIO(milliseconds int64) int64 {
	if milliseconds < 0 {
		return -1
	}
	return milliseconds / 1000
}

func infoCPU(r *report) {
	system, user := cpuTime()
	r.line("used_cpu_sys", fmt.Sprintf("%.6f", system.Seconds()))
	r.line("used_cpu_user", fmt.Sprintf("%.6f", user.Seconds()))
}

func infoCommandStats(r *report) {
	for _, row := range r.table.all {
		st := &row.stats
		calls, usec := st.calls.Load(), st.usec.Load()
		rejected, failed := st.rejected.Load(), st.failed.Load()
		if calls+rejected == 0 {
			continue
		}
		r.line("cmdstat_"+row.full, fmt.Sprintf("calls=%d,usec=%d,usec_per_call=%.2f,rejected_calls=%d,failed_calls=%d",
			calls, usec, float64(usec)/float64(max(calls, 1)), rejected, failed))
	}
}

func infoErrorStats(r *report) {
	r.counts.mu.Lock()
	defer r.counts.mu.Unlock()
	for _, code := range slices.Sorted(maps.Keys(r.counts.codes)) {
		r.line("errorstat_"+code, fmt.Sprintf("count=%d", r.counts.codes[code]))
	}
}

func infoCluster(r *report) { r.line("cluster_enabled", 0) }

func infoKeyspace(r *report) {
	for _, db := range slices.Sorted(maps.Keys(r.status.Keys)) {
		n := r.status.Keys[db]
		r.line(fmt.Sprintf("db%d", db), fmt.Sprintf("keys=%d,expires=%d,avg_ttl=0", n[0], n[1]))
	}
}

func infoRaft(r *report) {
	st := &r.status
	for _, f := range []struct {
		name  string
		value any
	}{
		{"node_id", st.ID}, {"node_name", st.Name}, {"cluster_id", st.Cluster}, {"raft_role", st.Role},
		{"voter", st.Voter}, {"leader_id", st.LeaderID}, {"term", st.Term},
		{"commit_index", st.CommitIndex}, {"applied_index", st.Applied}, {"last_index", st.LastIndex},
		{"first_index", st.FirstIndex}, {"snapshot_index", st.SnapshotAt}, {"log_bytes", st.LogBytes},
		{"last_contact_ms", st.LastContact}, {"peers", st.Peers},
		{"batches_proposed", st.Batches}, {"batches_resent", st.Resent},
		{"entries_applied", st.Entries}, {"leader_changes", st.LeaderChange},
	} {
		r.line(f.name, f.value)
	}
}
