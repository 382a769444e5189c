package main

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// backupAndRestore takes a backup under load, and another while nobody writes.
// Then it deletes the release and restores the second one into a new release
// that all goes on with.
func backupAndRestore(ctx context.Context, s *suite) (string, error) {
	old := s.on
	old.set["backup.enabled"] = "true"
	// Helm would wait for the backups' claim, which is bound when it is first used.
	if err := old.apply(ctx, false); err != nil {
		return "", err
	}
	if _, err := old.backup(ctx, "e2e-under-load"); err != nil {
		return "", err
	}
	if err := s.rest(ctx); err != nil {
		return "", err
	}
	began := time.Now()
	file, err := old.backup(ctx, "e2e-at-rest")
	if err != nil {
		return "", err
	}
	stored := time.Since(began)
	s.say("backup: %s after %.1f s", file, stored.Seconds())
	if err := old.uninstall(ctx); err != nil {
		return "", err
	}
	next := s.release("trivet-restored", old.store)
	next.set["restore.source"], next.set["restore.existingClaim"] = file, old.name+"-backup"
	began = time.Now()
	if err := next.apply(ctx, true); err != nil {
		return "", err
	}
	note := fmt.Sprintf("stored in %.0f s, installed and restored in %.0f s", stored.Seconds(), time.Since(began).Seconds())
	if err := next.settled(ctx, replicas); err != nil {
		return "", err
	}
	if err := s.turnTo(ctx, next); err != nil {
		return "", err
	}
	all, err := s.writer.check(ctx)
	if err := errors.Join(err, faulty(all)); err != nil {
		return "", fmt.Errorf("after the restore: %w", err)
	}
	_, err = s.writer.next(ctx, "backup")
	return note, err
}

// backup runs the CronJob once, now, and returns the name of the file.
func (r *release) backup(ctx context.Context, name string) (string, error) {
	cron, err := r.BatchV1().CronJobs(r.namespace).Get(ctx, r.name+"-backup", meta.GetOptions{})
	if err != nil {
		return "", err
	}
	_, err = r.BatchV1().Jobs(r.namespace).Create(ctx, &batch.Job{
		ObjectMeta: meta.ObjectMeta{Name: name}, Spec: cron.Spec.JobTemplate.Spec,
	}, meta.CreateOptions{})
	if err != nil {
		return "", err
	}
	wait, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	if err := until(wait, "the job "+name, func() error {
		job, err := r.BatchV1().Jobs(r.namespace).Get(ctx, name, meta.GetOptions{})
		if err == nil && job.Status.Succeeded == 0 {
			err = fmt.Errorf("%d of its pods have failed", job.Status.Failed)
		}
		return err
	}); err != nil {
		return "", err
	}
	return r.backupFile(ctx, name)
}

// backupFile returns the file that a job says it has written.
func (r *release) backupFile(ctx context.Context, job string) (string, error) {
	pods, err := r.CoreV1().Pods(r.namespace).List(ctx, meta.ListOptions{
		LabelSelector: batch.JobNameLabel + "=" + job, FieldSelector: "status.phase=Succeeded",
	})
	if err != nil {
		return "", err
	}
	for _, p := range pods.Items {
		log, err := r.CoreV1().Pods(r.namespace).GetLogs(p.Name, &core.PodLogOptions{}).DoRaw(ctx)
		if err != nil {
			return "", err
		}
		for line := range strings.Lines(string(log)) {
			if f := strings.Fields(line); len(f) == 2 && f[0] == "output" {
				return path.Base(f[1]), nil
			}
		}
	}
	return "", fmt.Errorf("no pod of the job %s says what it has written", job)
}
