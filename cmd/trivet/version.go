package main

import (
	"cmp"
	"fmt"
	"regexp"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"
)

// Set at build time with -ldflags "-X main.version=1.2.3 -X main.commit=... -X
// main.date=2026-01-31T12:00:00Z"; what is not set is asked of Go.
var version, commit, date string

// A build says what the program was made from.
type build struct {
	version string
	commit  string // "" for not known
	date    string // of the commit, unless it was set; "" for not known
	changed bool   // the tree held changes that were not committed
}

// released are the versions of modules that are no commits.
var released = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+(-(alpha|beta|rc)[.0-9]*)?$`)

func readBuild() build {
	b := build{version: version, commit: commit, date: date}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		b.version = cmp.Or(b.version, "dev")
		return b
	}
	settings := map[string]string{}
	for _, s := range info.Settings {
		settings[s.Key] = s.Value
	}
	b.commit = cmp.Or(b.commit, settings["vcs.revision"])
	b.date = cmp.Or(b.date, settings["vcs.time"])
	b.changed = commit == "" && settings["vcs.modified"] == "true"
	switch {
	case b.version != "":
	case released.MatchString(info.Main.Version):
		b.version = strings.TrimPrefix(info.Main.Version, "v")
	case len(b.commit) >= 12:
		b.version = "dev-" + b.commit[:12]
	default:
		b.version = "dev"
	}
	return b
}

// String returns the version with what is known besides: 1.2.3 (commit
// 0123456789abcdef, 2026-01-31T12:00:00Z).
func (b build) String() string {
	var more []string
	if b.commit != "" {
		text := "commit " + b.commit
		if b.changed {
			text += " with changes"
		}
		more = append(more, text)
	}
	if b.date != "" {
		more = append(more, b.date)
	}
	if more == nil {
		return b.version
	}
	return b.version + " (" + strings.Join(more, ", ") + ")"
}

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version, its commit and date", Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintln(cmd.OutOrStdout(), "trivet", readBuild())
			return err
		},
	}
}
