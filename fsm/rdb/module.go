package rdb

import "fmt"

// Values of modules are made of fields that tell what they are, so that one who
// does not know the module can skip them.
const (
	moduleEnd = iota
	moduleSigned
	moduleUnsigned
	moduleFloat
	moduleDouble
	moduleString
)

func (d *decoder) skipModule() {
	for d.err == nil {
		switch field := d.length(); field {
		case moduleEnd:
			return
		case moduleSigned, moduleUnsigned:
			d.length()
		case moduleFloat:
			d.fixed32()
		case moduleDouble:
			d.fixed64()
		case moduleString:
			d.blob()
		default:
			d.fail("field %d in a module's data", field)
		}
	}
}

// A ModuleError says that a key holds what only a module of Redis can read.
type ModuleError struct {
	DB          int
	Key, Module string
}

func (e *ModuleError) Error() string {
	return fmt.Sprintf("key %q of database %d holds a value of the module type %q, which only that module can read", e.Key, e.DB, e.Module)
}

// moduleName returns the nine characters, of six bits each, in a module's number;
// the ten bits after them are its version.
func moduleName(id uint64) string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	name := make([]byte, 9)
	for i := range name {
		name[i] = letters[id>>(58-6*i)&0x3f]
	}
	return string(name)
}
