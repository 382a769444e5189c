package logging

import (
	"bytes"
	"errors"
	"log/slog"
	"testing"

	"github.com/hashicorp/go-hclog"
)

func recorder(level slog.Level) (*slog.Logger, *bytes.Buffer) {
	var b bytes.Buffer
	return slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})), &b
}

func TestHCLog(t *testing.T) {
	to, b := recorder(levelTrace)
	l := HCLog(to).Named("raft").With("node", 1)
	l.Trace("t")
	l.Debug("d", "n", hclog.Fmt("%d of %d", 1, 2))
	l.Info("i", "addr", "x")
	l.Warn("w", "error", errors.New("broken"), "lonely")
	l.Named("sub").Error("e", "hex", hclog.Hex(255))
	want := `level=DEBUG-4 msg=t node=1 part=raft
level=DEBUG msg=d node=1 part=raft n="1 of 2"
level=INFO msg=i node=1 part=raft addr=x
level=WARN msg=w node=1 part=raft err=broken extra=lonely
level=ERROR msg=e node=1 part=raft.sub hex=0xff
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b, want)
	}
}

func TestHCLogLevels(t *testing.T) {
	to, b := recorder(slog.LevelWarn)
	l := HCLog(to)
	l.Info("quiet")
	if b.Len() > 0 || l.IsInfo() || !l.IsWarn() || l.GetLevel() != hclog.Warn {
		t.Errorf("level %v, log %q", l.GetLevel(), b)
	}
	HCLog(nil).Error("nowhere")
	if HCLog(nil).IsError() {
		t.Error("a logger to nowhere is enabled")
	}
}

func TestLines(t *testing.T) {
	to, b := recorder(slog.LevelDebug)
	l := Lines(to, "memberlist: ")
	l.Printf("[WARN] memberlist: one %d", 1)
	l.Print("[DEBUG] memberlist: two")
	l.Print("[ERR] three")
	l.Print("[odd] four")
	HCLog(to).StandardLogger(nil).Print("[INFO] five")
	want := "level=WARN msg=\"one 1\"\nlevel=DEBUG msg=two\nlevel=ERROR msg=three\nlevel=INFO msg=\"[odd] four\"\nlevel=INFO msg=five\n"
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b, want)
	}
}
