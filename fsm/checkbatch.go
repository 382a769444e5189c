package fsm

import (
	"errors"
	"fmt"

	"github.com/trivetdb/trivet/resp"
)

// ErrInvalid is wrapped by the error of a batch that no node may put into the log.
var ErrInvalid = errors.New("invalid batch")

// CheckBody reports why a batch's body must not go into the log, at a level of the
// cluster: every node would stop at it, now and at each start. It is for what
// comes from another node.
func CheckBody(body []byte, level uint64) error {
	d := decoder{b: body}
	for len(d.b) > 0 && d.err == nil {
		_, _, n := d.group(level)
		for ; n > 0 && d.err == nil; n-- {
			if err := d.check(); err != nil {
				return fmt.Errorf("%w: %w", ErrInvalid, err)
			}
		}
	}
	if d.err != nil {
		return fmt.Errorf("%w: %w", ErrInvalid, d.err)
	}
	return nil
}

// check reads a command and reports what is wrong with it.
func (d *decoder) check() error {
	argc := d.uvarint()
	var c *Command
	for i := uint64(0); i < argc && d.err == nil; i++ {
		arg, typed := d.argument()
		switch {
		case d.err != nil:
		case i == 0:
			if c = table[string(arg)]; c == nil {
				return fmt.Errorf("unknown command %.64q", arg)
			}
		case typed:
			if _, rest, err := resp.ParseValue(arg, resp.DefaultLimits); err != nil || len(rest) > 0 {
				return fmt.Errorf("command %s with a value that cannot be read", c.Name)
			}
		}
	}
	switch {
	case d.err != nil:
		return d.err
	case c == nil:
		return errors.New("a command without a name")
	case c.Flags&Local != 0 || !c.ArityOK(int(argc)):
		return fmt.Errorf("command %s with %d arguments", c.Name, argc)
	}
	return nil
}
