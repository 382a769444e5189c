package logging

import (
	"context"
	"io"
	"log"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// levelTrace is what hclog calls trace: below slog's debug.
const levelTrace = slog.LevelDebug - 4

// HCLog returns a logger for HashiCorp's libraries that writes into log, or
// nowhere where log is nil. Key and value pairs become attributes, the
// libraries' own names for their parts become the attribute "part".
func HCLog(log *slog.Logger) hclog.Logger {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &adapter{log: log}
}

// An adapter is one hclog logger with the pairs and the name it was given.
type adapter struct {
	log     *slog.Logger
	name    string
	implied []any
}

// Log implements hclog.Logger, as do all methods below.
func (a *adapter) Log(level hclog.Level, msg string, args ...any) {
	to := slogLevel(level)
	if !a.log.Enabled(context.Background(), to) {
		return
	}
	attrs := pairs(a.implied)
	if a.name != "" {
		attrs = append(attrs, slog.String("part", a.name))
	}
	a.log.LogAttrs(context.Background(), to, msg, append(attrs, pairs(args)...)...)
}

func (a *adapter) Trace(msg string, args ...any) { a.Log(hclog.Trace, msg, args...) }
func (a *adapter) Debug(msg string, args ...any) { a.Log(hclog.Debug, msg, args...) }
func (a *adapter) Info(msg string, args ...any)  { a.Log(hclog.Info, msg, args...) }
func (a *adapter) Warn(msg string, args ...any)  { a.Log(hclog.Warn, msg, args...) }
func (a *adapter) Error(msg string, args ...any) { a.Log(hclog.Error, msg, args...) }

func (a *adapter) IsTrace() bool { return a.enabled(levelTrace) }
func (a *adapter) IsDebug() bool { return a.enabled(slog.LevelDebug) }
func (a *adapter) IsInfo() bool  { return a.enabled(slog.LevelInfo) }
func (a *adapter) IsWarn() bool  { return a.enabled(slog.LevelWarn) }
func (a *adapter) IsError() bool { return a.enabled(slog.LevelError) }

func (a *adapter) enabled(l slog.Level) bool { return a.log.Enabled(context.Background(), l) }

func (a *adapter) ImpliedArgs() []any { return a.implied }
func (a *adapter) Name() string       { return a.name }

func (a *adapter) With(args ...any) hclog.Logger {
	b := *a
	b.implied = append(append([]any(nil), a.implied...), args...)
	return &b
}

func (a *adapter) Named(name string) hclog.Logger {
	if a.name != "" {
		name = a.name + "." + name
	}
	return a.ResetNamed(name)
}

func (a *adapter) ResetNamed(name string) hclog.Logger {
	b := *a
	b.name = name
	return &b
}

// SetLevel does nothing: the level is that of the logger underneath.
func (a *adapter) SetLevel(hclog.Level) {}

func (a *adapter) GetLevel() hclog.Level {
	for level := hclog.Trace; level < hclog.Error; level++ {
		if a.enabled(slogLevel(level)) {
			return level
		}
	}
	return hclog.Error
}

func (a *adapter) StandardLogger(o *hclog.StandardLoggerOptions) *log.Logger {
	return log.New(a.StandardWriter(o), "", 0)
}

func (a *adapter) StandardWriter(*hclog.StandardLoggerOptions) io.Writer {
	return lines{log: a.log}
}

func slogLevel(l hclog.Level) slog.Level {
	switch l {
	case hclog.Trace:
		return levelTrace
	case hclog.Debug:
		return slog.LevelDebug
	case hclog.Warn:
		return slog.LevelWarn
	case hclog.Error:
		return slog.LevelError
	default:
		return slog.LevelInfo
	}
}
