package main

import (
	"context"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

const (
	// restQuick is how long an fsync takes at most on a disk that has nothing else to do.
	restQuick = 20 * time.Millisecond
	// restTimes is how many of them in a row are quick.
	restTimes = 50
	// restMost bounds the wait for a disk that is never quick.
	restMost = 30 * time.Second
)

// rest waits until the disk has done with what was written and removed before: the
// blocks of a few gigabytes of removed files can keep it busy for seconds.
func (b *bench) rest(ctx context.Context) error {
	syscall.Sync()
	f, err := os.Create(filepath.Join(b.machine.Dir, "rest"))
	if err != nil {
		return err
	}
	defer f.Close()
	end := time.Now().Add(restMost)
	for quick := 0; quick < restTimes && ctx.Err() == nil; quick++ {
		if time.Now().After(end) {
			b.say("the disk has not come to rest in %v: what follows may suffer from it", restMost)
			return nil
		}
		begin := time.Now()
		if _, err := f.WriteAt(make([]byte, 4<<10), 0); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
		if time.Since(begin) > restQuick {
			quick = -1
		}
		time.Sleep(5 * time.Millisecond)
	}
	return nil
}
