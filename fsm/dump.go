package fsm

import (
	"errors"

	"github.com/trivetdb/trivet/fsm/cost"
	"github.com/trivetdb/trivet/fsm/rdb"
	"github.com/trivetdb/trivet/resp"
)

var dumpCommands = []Command{
	{Spec{"DUMP", 2, Read, Keys{1, 1, 1}, "generic", "Get the value at a key in Redis's own encoding.", "2.6.0"}, dump},
	{Spec{"RESTORE", -4, Write | DenyOOM, Keys{1, 1, 1}, "generic", "Make a key from what DUMP answered.", "2.6.0"}, restore},
}

// About DUMP and RESTORE.
var (
	errDumpClassic  = resp.Err("ERR Redis has no encoding for an array, a dictionary or a null of the classic protocol")
	errDumpChecksum = resp.Err("ERR DUMP payload version or checksum are wrong")
	errDumpFormat   = resp.Err("ERR Bad data format")
	errDumpLarge    = resp.Err("ERR The value is too large once it is decompressed")
	errRestoreBusy  = resp.Err("BUSYKEY Target key name already exists.")
	errRestoreTTL   = resp.Err("ERR Invalid TTL value, must be >= 0")
	errRestoreIdle  = resp.Err("ERR Invalid IDLETIME value, must be >= 0")
	errRestoreFreq  = resp.Err("ERR Invalid FREQ value, must be >= 0 and <= 255")
)

func dump(tx *Tx, args [][]byte) resp.Value {
	o := tx.get(args[1])
	if o == nil {
		return resp.Nil
	}
	elems, bytes := dumpSize(o)
	tx.charge(cost.Times(elems, 2*cost.Element) + cost.Made(2*bytes)) // made twice, and summed up
	tx.chargeReply(1, bytes)
	v, fail := describe(o)
	if fail.IsError() {
		return fail
	}
	return resp.Str(string(rdb.AppendDump(make([]byte, 0, bytes), &v)))
}

// dumpSize returns how many elements the dump of o has, and about how many bytes:
// seldom fewer than there are.
func dumpSize(o *object) (elems, bytes int) {
	c, ok := o.val.(container)
	if !ok || o.kind == kindString {
		return 1, o.text().len() + 32
	}
	const ahead = 16 // bytes that tell an element's size or score
	return c.size(), c.bytes() - c.size()*(elementOverhead-ahead) + 64
}

// buildSteps is what it costs to build what v describes.
func buildSteps(v *rdb.Value) int {
	switch n := len(v.Elems); v.Kind {
	case rdb.List:
		return cost.Times(n, 2*cost.Element)
	case rdb.Set:
		return cost.Times(n, 2*cost.Lookup)
	case rdb.Hash:
		return cost.Times(n/2, 2*cost.Lookup)
	case rdb.ZSet:
		return cost.Times(n, cost.Rank)
	case rdb.Streams:
		steps := cost.Times(len(v.Stream.Entries), cost.Lookup)
		for i := range v.Stream.Groups {
			g := &v.Stream.Groups[i]
			steps += cost.Times(1+len(g.Consumers)+len(g.Pending), 2*cost.Insert)
		}
		return steps
	}
	return 0
}

// restoreOptions are what RESTORE takes after the payload. What IDLETIME and
// FREQ say is checked and not kept: values are never dropped to win memory.
type restoreOptions struct{ replace, absolute bool }

func parseRestoreOptions(args [][]byte) (opt restoreOptions, fail resp.Value) {
	idle, freq := false, false
	for i := 0; i < len(args); i++ {
		more := i+1 < len(args)
		switch {
		case equalFold(args[i], "REPLACE"):
			opt.replace = true
		case equalFold(args[i], "ABSTTL"):
			opt.absolute = true
		case equalFold(args[i], "IDLETIME") && more && !freq:
			i++
			n, ok := parseInt(args[i])
			switch {
			case !ok:
				return opt, errNotInteger
			case n < 0:
				return opt, errRestoreIdle
			}
			idle = true
		case equalFold(args[i], "FREQ") && more && !idle:
			i++
			n, ok := parseInt(args[i])
			switch {
			case !ok:
				return opt, errNotInteger
			case n < 0 || n > 255:
				return opt, errRestoreFreq
			}
			freq = true
		default:
			return opt, errSyntax
		}
	}
	return opt, resp.Nil
}

func restore(tx *Tx, args [][]byte) resp.Value {
	opt, fail := parseRestoreOptions(args[4:])
	if fail.IsError() {
		return fail
	}
	if !opt.replace && tx.get(args[1]) != nil {
		return errRestoreBusy
	}
	at, ok := parseInt(args[2])
	switch {
	case !ok:
		return errNotInteger
	case at < 0:
		return errRestoreTTL
	}
	o, fail := tx.parseDump(args[3])
	if fail.IsError() {
		return fail
	}
	replaced, past := tx.remove(args[1]), false
	if at != 0 && !opt.absolute {
		at, _ = addInt(at, tx.now) // 0 where the sum does not fit: past, as in Redis
		past = at == 0
	}
	if past || at != 0 && at <= tx.now {
		if replaced {
			tx.notifyDeleted(args[1])
		}
		return resp.OK
	}
	o.expireAt = at
	tx.put(args[1], o)
	tx.notify(notifyGeneric, "restore", args[1])
	return resp.OK
}

// parseDump returns the object that a payload describes.
func (tx *Tx) parseDump(payload []byte) (*object, resp.Value) {
	tx.charge(cost.Made(len(payload)))
	v, err := rdb.ParseDumpWithin(payload, func(elems, bytes int) {
		if bytes > maxString && tx.bounded() {
			panic(overrun{errDumpLarge})
		}
		tx.charge(cost.Times(elems, cost.Element) + cost.Made(2*bytes)) // as they are, and as strings
	})
	switch {
	case errors.Is(err, rdb.ErrChecksum):
		return nil, errDumpChecksum
	case errors.Is(err, rdb.ErrTooLarge):
		return nil, errDumpLarge
	case err != nil || v.Empty():
		return nil, errDumpFormat
	}
	tx.charge(buildSteps(&v))
	return build(&v, tx.st.epoch)
}
