package logging

import (
	"fmt"
	"log/slog"

	"github.com/hashicorp/go-hclog"
)

// pairs makes attributes of hclog's alternating keys and values. A value
// without a key is kept, for a log that loses what it was told is of no use.
func pairs(args []any) []slog.Attr {
	attrs := make([]slog.Attr, 0, len(args)/2+1)
	for i := 0; i < len(args); i += 2 {
		if i+1 == len(args) {
			return append(attrs, slog.Any("extra", value(args[i])))
		}
		key, ok := args[i].(string)
		if !ok {
			key = fmt.Sprint(args[i])
		}
		if key == "error" {
			key = "err" // as everywhere else in this program
		}
		attrs = append(attrs, slog.Any(key, value(args[i+1])))
	}
	return attrs
}

// value renders the forms that hclog gives a meaning of its own.
func value(v any) any {
	switch v := v.(type) {
	case hclog.Format:
		if len(v) == 0 {
			return ""
		}
		format, ok := v[0].(string)
		if !ok {
			return fmt.Sprint(v...)
		}
		return fmt.Sprintf(format, v[1:]...)
	case hclog.Hex:
		return fmt.Sprintf("%#x", int(v))
	case hclog.Octal:
		return fmt.Sprintf("%#o", int(v))
	case hclog.Binary:
		return fmt.Sprintf("%#b", int(v))
	case hclog.Quote:
		return string(v)
	case error:
		return v.Error()
	case fmt.Stringer:
		return v.String()
	default:
		return v
	}
}
