package server

import (
	"fmt"
	"runtime"
	rtdebug "runtime/debug"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/resp"
)

// memoryCommands are the rows of MEMORY that need no data; the others lie in
// package fsm.
var memoryCommands = []local{
	{spec("MEMORY|DOCTOR", 2, fsm.Local, "server", "Say in words how this node's memory is used.", "4.0.0"), "", nil, memoryDoctor},
	{spec("MEMORY|HELP", 2, forHelp, "server", "Show the subcommands.", "4.0.0"), "", nil, helpOf("MEMORY")},
	{spec("MEMORY|MALLOC-STATS", 2, fsm.Local, "server", "Describe what the allocator does, that of the Go runtime.", "4.0.0"), "", nil, mallocStats},
	{spec("MEMORY|PURGE", 2, fsm.Local, "server", "Collect garbage and give free memory back to the system.", "4.0.0"), "", nil, memoryPurge},
	{spec("MEMORY|STATS", 2, fsm.Local, "server", "Describe how this node's memory is used, in numbers.", "4.0.0"), "", nil, memoryStats},
}

func memoryPurge(*session, [][]byte) resp.Value {
	rtdebug.FreeOSMemory()
	return resp.OK
}

// memoryStats has those of Redis's fields that are known here.
func memoryStats(s *session, _ [][]byte) resp.Value {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	status := s.srv.opts.Backend.Status()
	keys := 0
	for _, n := range status.Keys {
		keys += n[0]
	}
	held := m.HeapSys - m.HeapReleased
	d := resp.Dict()
	number := func(name string, n uint64) { d.Elems = append(d.Elems, resp.Str(name), resp.Int(int64(n))) }
	ratio := func(name string, a, b uint64) {
		d.Elems = append(d.Elems, resp.Str(name), resp.Float(float64(a)/float64(max(b, 1))))
	}
	number("peak.allocated", s.srv.notePeak(m.HeapAlloc))
	number("total.allocated", m.HeapAlloc)
	number("clients.normal", uint64(max(0, s.srv.held.bytes.Load())))
	number("keys.count", uint64(keys))
	number("keys.bytes-per-key", m.HeapAlloc/uint64(max(keys, 1)))
	number("allocator.allocated", m.HeapAlloc)
	number("allocator.active", m.HeapInuse)
	number("allocator.resident", held)
	ratio("allocator-fragmentation.ratio", m.HeapInuse, m.HeapAlloc)
	number("allocator-fragmentation.bytes", m.HeapInuse-min(m.HeapInuse, m.HeapAlloc))
	ratio("allocator-rss.ratio", held, m.HeapInuse)
	ratio("fragmentation", resident(), m.HeapAlloc)
	return d
}

// notePeak takes down how much memory is used, and returns the most that was seen.
func (s *Server) notePeak(used uint64) uint64 {
	peak := s.counts.peak.Load()
	for used > peak && !s.counts.peak.CompareAndSwap(peak, used) {
		peak = s.counts.peak.Load()
	}
	return max(used, peak)
}

func memoryDoctor(*session, [][]byte) resp.Value {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	text := fmt.Sprintf("%s are in use, of %s that the process holds. ", human(m.HeapAlloc), human(m.Sys-m.HeapReleased))
	switch {
	case m.HeapAlloc < 16<<20:
		text += "That is too little to say more about.\n"
	case m.HeapSys-m.HeapReleased > 4*m.HeapAlloc:
		text += "Most of it is free: MEMORY PURGE gives it back to the system.\n"
	default:
		text += "There is nothing to complain of.\n"
	}
	return resp.Text(text)
}

func mallocStats(*session, [][]byte) resp.Value {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return resp.Text(fmt.Sprintf("Go runtime %s\nallocated now: %d bytes in %d objects\nallocated ever: %d bytes in %d objects\n"+
		"heap from the system: %d bytes, in use %d, idle %d, given back %d\nstacks: %d bytes\nall from the system: %d bytes\n"+
		"collections: %d, paused for %d ns in all\n",
		runtime.Version(), m.HeapAlloc, m.HeapObjects, m.TotalAlloc, m.Mallocs,
		m.HeapSys, m.HeapInuse, m.HeapIdle, m.HeapReleased, m.StackSys, m.Sys, m.NumGC, m.PauseTotalNs))
}
