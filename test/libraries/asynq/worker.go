package main

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/hibiken/asynq"
)

// work runs a worker until it is told to stop.
func work() error {
	server := asynq.NewServer(connection(), asynq.Config{
		Concurrency:              4,
		DelayedTaskCheckInterval: 500 * time.Millisecond,
		RetryDelayFunc:           func(int, error, *asynq.Task) time.Duration { return time.Second },
		GroupGracePeriod:         time.Second,
		GroupMaxDelay:            3 * time.Second,
		GroupMaxSize:             20,
		GroupAggregator:          asynq.GroupAggregatorFunc(aggregate),
	})
	mux := asynq.NewServeMux()
	mux.HandleFunc("double", double)
	mux.HandleFunc("flaky", flaky)
	mux.HandleFunc("later", later)
	mux.HandleFunc("members", members)
	return server.Run(mux)
}

func double(_ context.Context, t *asynq.Task) error {
	job := string(t.Payload())
	ran(job)
	_, err := t.ResultWriter().Write([]byte(job + job))
	return err
}

func flaky(ctx context.Context, t *asynq.Task) error {
	if n, _ := asynq.GetRetryCount(ctx); n == 0 {
		failed(string(t.Payload()))
		return errors.New("as told")
	}
	ran(string(t.Payload()))
	_, err := t.ResultWriter().Write([]byte("at last"))
	return err
}

func later(_ context.Context, t *asynq.Task) error {
	job, at, _ := strings.Cut(string(t.Payload()), " ")
	moment, err := time.Parse(time.RFC3339Nano, at)
	if err != nil {
		return err
	}
	due(job, moment)
	ran(job)
	return nil
}

// aggregate makes one task of those of a group.
func aggregate(_ string, tasks []*asynq.Task) *asynq.Task {
	var jobs []string
	for _, t := range tasks {
		jobs = append(jobs, string(t.Payload()))
	}
	return asynq.NewTask("members", []byte(strings.Join(jobs, " ")))
}

func members(_ context.Context, t *asynq.Task) error {
	for job := range strings.FieldsSeq(string(t.Payload())) {
		ran(job)
	}
	return nil
}
