package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math"
	"os"
	"time"

	"github.com/hashicorp/raft-wal/segment"
	"github.com/hashicorp/raft-wal/types"
)

// The parts of a segment's file; see segment/format.go of raft-wal.
const (
	segmentHeader = 32
	frameHeader   = 8
	frameEntry    = 1
	frameIndex    = 2
	frameCommit   = 3
)

// A segmentEnd is where the last storing in a segment ends that is whole.
type segmentEnd struct {
	at      int64  // where the next frame goes; 0 if nothing was stored
	entries uint64 // before it
	index   int64  // where the index is that completes the segment; 0 for none

	from int64 // where the storing begins
	sum  uint32
}

// findEnd reads the heads of all frames. Only the last storing can be torn: what
// was stored before was synced.
func findEnd(r io.ReaderAt) (segmentEnd, error) {
	var last, before segmentEnd
	now := segmentEnd{at: segmentHeader}
frames:
	for {
		var head [frameHeader]byte
		if _, err := r.ReadAt(head[:], now.at); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return last, err
		}
		size := int64(binary.LittleEndian.Uint32(head[4:]))
		padded := frameHeader + (size+frameHeader-1)/frameHeader*frameHeader
		switch head[0] {
		case frameEntry:
			now.entries++
			now.at += padded
		case frameIndex:
			now.index = now.at + frameHeader
			now.at += padded
		case frameCommit:
			now.from, now.sum = last.at, uint32(size)
			now.at += frameHeader
			before, last = last, now
		default: // zeros, or what is torn
			break frames
		}
	}
	sum := crc32.New(castagnoli)
	if _, err := io.Copy(sum, io.NewSectionReader(r, last.from, max(last.at-frameHeader-last.from, 0))); err != nil {
		return last, err
	}
	if sum.Sum32() != last.sum {
		return before, nil
	}
	return last, nil
}

// mendTail makes good what a crash left of the segment that was written to: what
// is torn is removed, as raft-wal would take an index in it for the segment's; and
// a segment that is complete, and is not listed so, is, as raft-wal would refuse to
// store anything after it. What is whole is synced, as the crash may have come
// before that. A log that does not reach as far as noted is left as it is.
func (d *Dir) mendTail(dir string, files types.VFS, noted uint64) error {
	list := segmentList{d.stable, &segmentFiles{}}
	state, err := list.Load(dir)
	if err != nil || len(state.Segments) == 0 {
		return err
	}
	tail := &state.Segments[len(state.Segments)-1]
	if !tail.SealTime.IsZero() {
		return nil
	}
	f, err := files.OpenWriter(dir, segment.FileName(*tail))
	if errors.Is(err, os.ErrNotExist) {
		return nil // the crash came before it was made
	}
	if err != nil {
		return err
	}
	defer f.Close()
	end, err := findEnd(f)
	if err != nil {
		return err
	}
	last := tail.BaseIndex + end.entries - 1
	if last < noted {
		return nil
	}
	if err := zeroFrom(f, end.at); err != nil {
		return err
	}
	if err := f.Sync(); err != nil || end.index == 0 {
		return err
	}
	next := types.SegmentInfo{
		ID: state.NextSegmentID, BaseIndex: last + 1, MinIndex: last + 1,
		Codec: tail.Codec, CreateTime: time.Now(), SizeLimit: tail.SizeLimit,
	}
	tail.SealTime, tail.MaxIndex, tail.IndexStart = time.Now(), last, uint64(end.index)
	state.NextSegmentID++
	state.Segments = append(state.Segments, next)
	return list.CommitState(state)
}

// zeroFrom overwrites with zeros what is not zero from an offset on.
func zeroFrom(f types.WritableFile, off int64) error {
	r := io.NewSectionReader(f, off, math.MaxInt64-off)
	b, zeros := make([]byte, 64<<10), make([]byte, 64<<10)
	for at := off; ; {
		n, err := io.ReadFull(r, b)
		if !bytes.Equal(b[:n], zeros[:n]) {
			if _, err := f.WriteAt(zeros[:n], at); err != nil {
				return err
			}
		}
		at += int64(n)
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
