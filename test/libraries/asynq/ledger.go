package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// What a program writes down, and the work of a producer. See ../ledger_test.go.

// note appends a line to the ledger in one write.
func note(words ...any) {
	f, err := os.OpenFile(os.Getenv("LEDGER"), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	line := strings.ReplaceAll(strings.TrimSuffix(fmt.Sprintln(words...), "\n"), "\n", " ")
	if _, err := f.WriteString(line + "\n"); err != nil {
		panic(err)
	}
}

func ran(job string)    { note("run", job, os.Getenv("NAME")) }
func failed(job string) { note("fail", job, os.Getenv("NAME")) }

// due checks that a job that was put off until a time, which asynq cuts to whole
// seconds, does not run before it.
func due(job string, at time.Time) {
	if early := time.Until(at.Add(-time.Second)); early > 0 {
		note("wrong", job, "ran early by", early)
	}
}

// create calls call until it succeeds; each try is a job of its own. parts are
// the endings of the names of the jobs that call makes.
func create(job string, call func(job string) error, parts ...string) string {
	if len(parts) == 0 {
		parts = []string{""}
	}
	first := time.Now()
	for attempt := 0; ; attempt++ {
		name := job
		if attempt > 0 {
			name += "_" + strconv.Itoa(attempt)
		}
		err := call(name)
		for _, part := range parts {
			if err != nil {
				note("unsure", name+part, err)
			} else {
				note("made", name+part, time.Since(first).Milliseconds())
			}
		}
		if err == nil {
			return name
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// await calls get until it returns the result.
func await(job string, get func() (string, error), want string) {
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		got, err := get()
		if err != nil || got == "" {
			continue
		}
		if got != want {
			note("wrong", job, "gave", got, "want", want)
		}
		return
	}
	note("noresult", job)
}

// produce makes the jobs of this producer: kinds maps a remainder of 40 to a maker.
// A steady producer makes plain ones only, and so waits for nothing but the store.
func produce(kinds map[int]func(string), plain func(string)) {
	if os.Getenv("STEADY") != "" {
		kinds = nil
	}
	jobs, _ := strconv.Atoi(os.Getenv("JOBS"))
	for n := 0; ; n++ {
		if _, err := os.Stat(os.Getenv("STOP")); n >= jobs && err == nil {
			return
		}
		job := fmt.Sprintf("%s-%d", os.Getenv("NAME"), n)
		if kind := kinds[n%40]; kind != nil {
			kind(job)
		} else {
			plain(job)
		}
		time.Sleep(10 * time.Millisecond)
	}
}
