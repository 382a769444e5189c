package main

import (
	"errors"
	"os"
	"time"

	"github.com/hibiken/asynq"
)

// A producer makes jobs of all kinds, and checks what they give.
type producer struct {
	client    *asynq.Client
	inspector *asynq.Inspector
}

func newProducer() *producer {
	return &producer{asynq.NewClient(connection()), asynq.NewInspector(connection())}
}

func (p *producer) run() {
	produce(map[int]func(string){
		3: p.retried, 7: p.putOff, 11: p.grouped, 13: p.withResult, 17: p.unique, 19: p.grouped,
		23: p.retried, 27: p.putOff, 31: p.grouped, 33: p.withResult,
	}, p.plain)
}

func (p *producer) enqueue(kind, payload string, options ...asynq.Option) error {
	_, err := p.client.Enqueue(asynq.NewTask(kind, []byte(payload)), options...)
	return err
}

func (p *producer) result(job, want string) {
	await(job, func() (string, error) {
		info, err := p.inspector.GetTaskInfo("default", job)
		if err != nil || info.State != asynq.TaskStateCompleted {
			return "", err
		}
		return string(info.Result), nil
	}, want)
}

func (p *producer) plain(job string) {
	create(job, func(job string) error { return p.enqueue("double", job, asynq.TaskID(job)) })
}

func (p *producer) withResult(job string) {
	job = create(job, func(job string) error {
		return p.enqueue("double", job, asynq.TaskID(job), asynq.Retention(time.Hour))
	})
	p.result(job, job+job)
}

func (p *producer) retried(job string) {
	job = create(job, func(job string) error {
		return p.enqueue("flaky", job, asynq.TaskID(job), asynq.Retention(time.Hour), asynq.MaxRetry(5))
	})
	p.result(job, "at last")
}

func (p *producer) putOff(job string) {
	at := time.Now().Add(2 * time.Second)
	create(job, func(job string) error {
		return p.enqueue("later", job+" "+at.Format(time.RFC3339Nano), asynq.TaskID(job), asynq.ProcessAt(at))
	})
}

// grouped makes a job that a worker gets together with others.
func (p *producer) grouped(job string) {
	create(job, func(job string) error {
		return p.enqueue("double", job, asynq.TaskID(job), asynq.Group("g"))
	})
}

// unique makes the same job twice; the second is refused.
func (p *producer) unique(job string) {
	job = create(job, func(job string) error {
		return p.enqueue("later", job+" "+time.Now().Format(time.RFC3339Nano), asynq.Unique(time.Minute), asynq.ProcessIn(2*time.Second), asynq.TaskID(job))
	})
	// Another id with the same content would be another task but for Unique.
	info, err := p.inspector.GetTaskInfo("default", job)
	if err != nil {
		return
	}
	err = p.enqueue("later", string(info.Payload), asynq.Unique(time.Minute))
	if err == nil {
		note("wrong", job, "was taken twice")
	} else if !errors.Is(err, asynq.ErrDuplicateTask) && os.Getenv("MODE") == "url" {
		note("wrong", job, "taken twice gave", err)
	}
}
