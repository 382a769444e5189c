// Package store is a node's data directory: who the node is, raft's log and
// votes, and its snapshots.
//
// [Open] is the only way in. It locks the directory, checks every byte that
// raft may later rely on, and counts the node's lives. The one invariant:
// raft never reads bytes from a [Dir] that differ from what it stored. Where
// that cannot be kept, Open or the read fails with [ErrDamaged], and the node
// must stop: a voter that forgot what it promised is worse than none.
//
// What the checks are made of, and why each is needed:
//
//   - bbolt keeps checksums of its two meta pages only, and crashes the process
//     from a goroutine of its own when it opens a file with a broken tree. So
//     boltfile.go reads the file as plain bytes before bbolt maps it.
//   - Every log entry carries a checksum of its index, term, type and data in
//     raft's Extensions, every stable value one of its key and itself.
//   - tail notes how far the log reached, for an older copy of bolt's tree looks
//     as whole as the newest.
//   - raft's snapshot files have a checksum of the state, not of the membership
//     beside it; the state begins with a checksum of that.
//   - node.json holds a checksum of itself.
//
// Files, in the directory: LOCK, node.json, raft.db, tail, wal/, snapshots/.
package store
