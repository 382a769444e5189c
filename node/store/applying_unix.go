//go:build unix

package store

import "syscall"

// open maps the file, which holds b, into memory.
func (a *Applying) open(_ []byte) (err error) {
	a.mem, err = syscall.Mmap(int(a.file.Fd()), 0, applyingSize, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_SHARED)
	a.write = func() error { return nil }
	return err
}

func (a *Applying) close() error {
	if a.mem != nil {
		_ = syscall.Munmap(a.mem)
		a.mem = nil
	}
	return a.file.Close()
}
