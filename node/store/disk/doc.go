// Package disk has the files that raft-wal's segments are in.
//
// A log waits for its disk at every append, so some things are done that raft-wal's
// own files do not: the disk is asked for the data alone (fdatasync), not for the
// time of the change; the blocks that come next hold zeros already; and what is
// deleted is freed little by little, see [Free]. A block that was only reserved, as
// fallocate does, must be noted as written once it is, and the file system commits
// its journal for that: half of what a small append takes.
package disk
