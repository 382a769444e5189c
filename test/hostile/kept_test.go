//go:build hostile

package hostile

import (
	"fmt"
	"strings"
	"time"

	"github.com/trivetdb/trivet/resp"
)

// kept are what scripts leave behind: section A4.
var kept = group{name: "A4 kept", inputs: []input{
	{name: "500 scripts of 2 MB", want: answered, within: 10 * time.Minute, long: true, send: each(500, func(i int) []string {
		return []string{"EVAL", fmt.Sprintf("return %d --%s", i, strings.Repeat("x", 2<<20)), "0"}
	})},
	{name: "SCRIPT LOAD of 500 scripts of 2 MB", want: answered, within: 10 * time.Minute, long: true, send: each(500, func(i int) []string {
		return []string{"SCRIPT", "LOAD", fmt.Sprintf("return %d --%s", i, strings.Repeat("x", 2<<20))}
	})},
	{name: "SCRIPT LOAD of 20,000 scripts", want: answered, within: 3 * time.Minute, send: loaded(20_000)},
	{name: "SCRIPT LOAD of 100,000 scripts", want: answered, within: 10 * time.Minute, long: true, send: loaded(100_000)},
	{name: "500 libraries of 2 MB", want: answered, within: 10 * time.Minute, long: true, send: each(500, func(i int) []string {
		return []string{"FUNCTION", "LOAD", fmt.Sprintf("#!lua name=l%d\nredis.register_function('f%d', function() return 1 end) --%s",
			i, i, strings.Repeat("x", 2<<20))}
	}), also: func(s *scene) error {
		_, err := s.to.do(patience, "FUNCTION", "FLUSH")
		return err
	}},
}}

// loaded sends so many small scripts, some at once.
func loaded(scripts int) func(*scene) (resp.Value, error) {
	return func(s *scene) (last resp.Value, err error) {
		const part = 500
		for at := 0; at < scripts && err == nil; at += part {
			var request []byte
			for i := range part {
				request = append(request, words("SCRIPT", "LOAD", fmt.Sprintf("return %d", at+i))...)
			}
			last, err = s.to.pipeline(s.within(), part, request)
		}
		return last, err
	}
}

// each sends so many commands, one after the other, until there is no reply.
func each(times int, command func(i int) []string) func(*scene) (resp.Value, error) {
	return func(s *scene) (last resp.Value, err error) {
		end := time.Now().Add(s.within())
		for i := 0; i < times && err == nil; i++ {
			if last, err = s.to.do(time.Until(end), command(i)...); err != nil {
				err = fmt.Errorf("command %d of %d: %w", i+1, times, err)
			}
		}
		return last, err
	}
}
