package rdb

import (
	"bufio"
	"fmt"
	"io"
)

// A Writer writes a file key by key.
type Writer struct {
	w   *bufio.Writer
	sum uint64
	db  int
	e   encoder
}

// NewWriter returns a Writer to w, which has written the header.
func NewWriter(w io.Writer) *Writer {
	f := &Writer{w: bufio.NewWriterSize(w, 256<<10), db: -1}
	f.e.b = fmt.Appendf(nil, "REDIS%04d", writtenVersion)
	f.send()
	return f
}

// send writes what the encoder holds; bufio keeps the error for Close.
func (f *Writer) send() error {
	f.sum = update(f.sum, f.e.b)
	_, err := f.w.Write(f.e.b)
	f.e.b = f.e.b[:0]
	return err
}

// Library writes the code of a function library; all of them come before the keys.
func (f *Writer) Library(code string) error {
	f.e.byte(opFunction)
	f.e.text(code)
	return f.send()
}

// Write writes a key. Those of a database had better come together.
func (f *Writer) Write(k *Key) error {
	if k.DB != f.db {
		f.db = k.DB
		f.e.byte(opSelectDB)
		f.e.length(uint64(k.DB))
	}
	if k.ExpireAt != 0 {
		f.e.byte(opExpireMs)
		f.e.fixed64(uint64(k.ExpireAt))
	}
	f.e.byte(types[k.Value.Kind])
	f.e.string(k.Name)
	f.e.value(&k.Value)
	return f.send()
}

// Close writes the end, and leaves what is below open.
func (f *Writer) Close() error {
	f.e.byte(opEOF)
	f.send()
	f.e.fixed64(f.sum)
	f.send()
	return f.w.Flush()
}
