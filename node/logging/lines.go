package logging

import (
	"context"
	"log"
	"log/slog"
	"strings"
)

// Lines returns a standard logger that writes into to, or nowhere where to is
// nil. A level in brackets at the start of a line is taken as its level, and
// the prefix, such as "memberlist: ", is taken off.
func Lines(to *slog.Logger, prefix string) *log.Logger {
	if to == nil {
		to = slog.New(slog.DiscardHandler)
	}
	return log.New(lines{log: to, prefix: prefix}, "", 0)
}

// lines makes a record of each write, which for package log is one line.
type lines struct {
	log    *slog.Logger
	prefix string
}

var marks = map[string]slog.Level{
	"TRACE": levelTrace, "DEBUG": slog.LevelDebug, "INFO": slog.LevelInfo,
	"WARN": slog.LevelWarn, "ERR": slog.LevelError, "ERROR": slog.LevelError,
}

// Write implements io.Writer.
func (l lines) Write(p []byte) (int, error) {
	line := strings.TrimSpace(string(p))
	level := slog.LevelInfo
	if rest, ok := strings.CutPrefix(line, "["); ok {
		if mark, text, ok := strings.Cut(rest, "]"); ok {
			if known, ok := marks[mark]; ok {
				level, line = known, strings.TrimSpace(text)
			}
		}
	}
	l.log.Log(context.Background(), level, strings.TrimPrefix(line, l.prefix))
	return len(p), nil
}
