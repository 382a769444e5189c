package main

import (
	"fmt"
	"strconv"
)

// A number is a flag whose faults are kept, to be reported with those of all
// the others. It implements pflag.Value.
type number struct {
	value *int
	name  string
	fault error
}

// Set implements pflag.Value.
func (n *number) Set(s string) error {
	v, err := strconv.Atoi(s)
	if err != nil {
		n.fault = fmt.Errorf("%s %q: use a whole number", n.name, s)
		return nil
	}
	*n.value, n.fault = v, nil
	return nil
}

// String implements pflag.Value.
func (n *number) String() string {
	if n.value == nil {
		return "0"
	}
	return strconv.Itoa(*n.value)
}

// Type implements pflag.Value.
func (n *number) Type() string { return "int" }
