//go:build !unix

package node

import "errors"

// diskSpace is not known here.
func diskSpace(string) (size, free uint64, err error) { return 0, 0, errors.ErrUnsupported }
