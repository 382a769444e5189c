package fsm

import (
	"bytes"
	"slices"
	"strings"

	"github.com/trivetdb/trivet/fsm/acl"
)

// permissions names, for rows that Redis does not have, the row whose permission
// they need.
var permissions = map[string]string{
	"DELETE": "DEL", "FLUSH": "FLUSHDB", "CLASSIC|FLUSH": "FLUSHDB", "CLASSIC|DELETE": "DEL",
	"CLASSIC|GET": "GET", "CLASSIC|SET": "SET", "CLASSIC|MGET": "MGET", "CLASSIC|MSET": "MSET",
}

// Permission returns the row whose permission the row needs: itself, but for
// second names.
func (s *Spec) Permission() *Spec {
	if name, ok := permissions[s.Name]; ok {
		return &findRow(name).Spec
	}
	return s
}

// CallOf returns what package acl has to know of a command. The categories are
// those of the row's Permission; nil means those that it derives.
func (s *Spec) CallOf(args [][]byte, categories []string) *acl.Call {
	p := s.Permission()
	c := &acl.Call{Name: strings.ToLower(p.Name), Free: p.Flags&NoAuth != 0, Categories: categories, Args: args}
	if categories == nil {
		c.Categories = p.Categories()
	}
	if p.Group == "pubsub" {
		c.Channels, c.Patterns = channelsOf(p.Name, len(args)), p.Name == "PSUBSCRIBE"
		return c
	}
	if p.Name == "SORT" || p.Name == "SORT_RO" {
		c.Pattern = sortPattern(args)
	}
	for i, at := range s.KeysOf(args) {
		c.Keys = append(c.Keys, acl.Key{At: at, Access: p.access(i, args)})
	}
	return c
}

// sortPattern returns the place of the first pattern of SORT that stands for other
// keys, or 0.
func sortPattern(args [][]byte) int {
	for i := 2; i+1 < len(args); i++ {
		by := equalFold(args[i], "BY") && bytes.IndexByte(args[i+1], '*') >= 0
		if by || equalFold(args[i], "GET") && string(args[i+1]) != "#" {
			return i + 1
		}
	}
	return 0
}

// channelsOf returns the positions of the channels. Who stops listening needs no
// permission.
func channelsOf(name string, argc int) []int {
	switch name {
	case "PUBLISH", "SPUBLISH":
		return []int{1}
	case "SUBSCRIBE", "PSUBSCRIBE", "SSUBSCRIBE":
		return Keys{1, -1, 1}.Of(argc)
	}
	return nil
}

// accesses lists the rows whose keys are not simply read, for a Read row, or
// read and written, for others. There is a letter for each key, the last one for
// all that follow: r, w, b for both, and - for neither: what is asked is no more
// than whether there is something, of which type and size.
var accesses = map[string]string{}

func init() {
	for access, names := range map[string]string{
		"-": `EXISTS HEXISTS HLEN HSTRLEN LLEN MEMORY|USAGE OBJECT|ENCODING OBJECT|FREQ OBJECT|IDLETIME OBJECT|REFCOUNT
			SCARD SISMEMBER STRLEN TOUCH TYPE XLEN ZCARD WATCH`,
		"w": `APPEND DEL EXPIRE EXPIREAT GEOADD HDEL HMSET HSET HSETNX LINSERT LPUSH LPUSHX LREM LSET LTRIM MSET MSETNX
			PERSIST PEXPIRE PEXPIREAT PFADD PSETEX RESTORE RESTORE-ASKING RPUSH RPUSHX SADD SETEX SETNX SETRANGE SREM UNLINK
			XACK XADD XAUTOCLAIM XCLAIM XDEL XGROUP|CREATE XGROUP|CREATECONSUMER XGROUP|DELCONSUMER XGROUP|DESTROY
			XGROUP|SETID XSETID XTRIM ZADD ZREM ZREMRANGEBYLEX ZREMRANGEBYRANK ZREMRANGEBYSCORE`,
		"wr": `BITOP GEOSEARCHSTORE SDIFFSTORE SINTERSTORE SUNIONSTORE ZDIFFSTORE ZINTERSTORE ZRANGESTORE ZUNIONSTORE`,
		"bw": `BLMOVE BRPOPLPUSH LMOVE RENAME RENAMENX RPOPLPUSH SMOVE`,
		"rw": `COPY GEORADIUS GEORADIUSBYMEMBER SORT`,
		"br": `PFMERGE`,
		"r":  `XREADGROUP PFDEBUG`,
		"rr": `SORT_RO`,
	} {
		for _, name := range strings.Fields(names) {
			accesses[name] = access
		}
	}
}

// KeyAccess returns the letters that say what the row does with its keys; see
// accesses. With GET, SET reads too, and BITFIELD may only read.
func (s *Spec) KeyAccess() string {
	switch letters := accesses[s.Name]; {
	case letters != "":
		return letters
	case s.Flags&Read != 0:
		return "r"
	}
	return "b"
}

// access returns what a command does with its key number i.
func (s *Spec) access(i int, args [][]byte) acl.Access {
	letters := s.KeyAccess()
	said := func(from int, option string) bool {
		return slices.ContainsFunc(args[min(from, len(args)):], func(arg []byte) bool { return equalFold(arg, option) })
	}
	switch {
	case s.Name == "SET" && !said(3, "GET"):
		letters = "w"
	case s.Name == "BITFIELD" && !said(2, "SET") && !said(2, "INCRBY"):
		letters = "r"
	}
	return map[byte]acl.Access{'r': acl.Read, 'w': acl.Write, 'b': acl.Read | acl.Write}[letters[min(i, len(letters)-1)]]
}
