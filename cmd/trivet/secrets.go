package main

import (
	"errors"
	"strings"
)

// hidden are the flags whose values nobody else on the machine should see.
var hidden = []string{"--password"}

// takeSecrets returns copies of the arguments, and has the list of processes show
// stars in the place of secrets, as far as the system lets it. For a moment, at the
// start, they are seen all the same: variables and files are better places.
func takeSecrets(args []string) []string {
	copies := make([]string, len(args))
	for i, arg := range args {
		copies[i] = strings.Clone(arg)
	}
	for i, arg := range copies {
		for _, flag := range hidden {
			switch {
			case arg == flag && i+1 < len(args):
				blot(args[i+1])
			case strings.HasPrefix(arg, flag+"="):
				blot(args[i][len(flag)+1:])
			}
		}
	}
	return copies
}

// withoutValue takes out of an error about flags what stands behind an equal sign:
// a flag that was spelled wrong may have been one with a secret.
func withoutValue(err error) error {
	if before, _, found := strings.Cut(err.Error(), "="); found {
		return errors.New(before + "=...")
	}
	return err
}
