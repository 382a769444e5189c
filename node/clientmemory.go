package node

import (
	"math"
	"runtime/debug"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/node/memory"
)

// leastClientMemory is what clients may make a node hold on the smallest machine:
// room for the largest reply and the largest request.
const leastClientMemory = 192 << 20

// clientMemory returns how many bytes clients may make this node hold together: what
// the configuration says, or an eighth of the memory that there is.
func (c *Config) clientMemory() int64 {
	if n, ok := fsm.ParseBytes(c.MaxClientMemory); ok {
		return int64(min(n, math.MaxInt64))
	}
	there := min(debug.SetMemoryLimit(-1), memory.Allowed("/"), memory.Machine("/"))
	if there == math.MaxInt64 {
		return leastClientMemory
	}
	return max(leastClientMemory, there/8)
}
