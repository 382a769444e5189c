//go:build hostile

package hostile

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/trivetdb/trivet/resp"
)

// A row is what one input did.
type row struct {
	group, name string
	ok          bool
	reply       string
	took, wait  time.Duration // for the reply; of another client, at most
	back        time.Duration // from kill -9 of all nodes until they serve
	peaks       []int64       // bytes, for each node
	faults      []string
}

// fault fails the test, and keeps why.
func (r *row) fault(t *testing.T, format string, args ...any) {
	t.Helper()
	text := fmt.Sprintf(format, args...)
	r.faults = append(r.faults, text)
	t.Error(text)
}

// A report is the table at the end.
type report struct{ rows []*row }

func (p *report) print(to io.Writer) {
	if len(p.rows) == 0 {
		return
	}
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	fmt.Fprint(w, "\nINPUT\tREPLY\tAFTER\tOTHERS WAIT\tMEMORY, MiB\tBACK IN\tRESULT\n")
	failed := 0
	for _, r := range p.rows {
		result := "ok"
		if !r.ok {
			failed++
			result = "FAILED: " + cut(strings.Join(r.faults, "; "), 160)
		}
		var peaks []string
		for _, b := range r.peaks {
			peaks = append(peaks, fmt.Sprint(b>>20))
		}
		fmt.Fprintf(w, "%s: %s\t%s\t%v\t%v\t%s\t%v\t%s\n", r.group, r.name, cut(r.reply, 60), round(r.took), round(r.wait),
			strings.Join(peaks, " "), round(r.back), result)
	}
	w.Flush()
	fmt.Fprintf(to, "%d inputs, %d failed\n", len(p.rows), failed)
}

func round(d time.Duration) time.Duration { return d.Round(time.Millisecond) }

// describe shows a reply in a line.
func describe(v resp.Value, err error) string {
	switch {
	case err != nil:
		return "none: " + err.Error()
	case v.IsError():
		return "-" + v.Str
	case v.Kind == resp.Integer:
		return fmt.Sprint(v.Int)
	case len(v.Elems) > 0:
		return fmt.Sprintf("%d elements", len(v.Elems))
	case v.Kind == resp.Null || v.Kind == resp.NullArray:
		return "nil"
	}
	return v.Str
}

// cut makes a line of a text, of so many characters at most, for a terminal.
func cut(s string, most int) string {
	s = strings.Join(strings.Fields(s), " ")
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '.'
	}, s)
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
