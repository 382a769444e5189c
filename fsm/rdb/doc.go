// Package rdb reads and writes the values of Redis as its RDB format has them:
// one value as DUMP and RESTORE exchange it, and whole files, key by key. It
// reads every encoding that Redis 2.6 to 7.2 writes, but for modules' values, and
// writes one encoding a type, which Redis 7.0 and later load.
//
// It never does: commands, time, or a guess at damaged data. Input is not
// trusted: what is allocated is bounded by what really came, and errors wrap
// ErrFormat, ErrChecksum, ErrTooLarge, ErrNewer or what the source answered.
package rdb
