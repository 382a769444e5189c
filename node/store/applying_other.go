//go:build !unix

package store

// open keeps b, which the file holds.
func (a *Applying) open(b []byte) error {
	a.mem = b
	a.write = func() error {
		_, err := a.file.WriteAt(a.mem, 0)
		return err
	}
	return nil
}

func (a *Applying) close() error { return a.file.Close() }
