package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// An event is something that happens to the cluster while clients write.
type event struct {
	name, about string
	run         func(context.Context, *suite) (note string, err error)
	pause       time.Duration                       // longest that a client of trivet may wait; 0 for any
	calm        bool                                // no client of trivet may see an error
	steady      bool                                // none that tries again may
	kit         bool                                // needs a kit
	before      func(context.Context, *suite) error // prepares it, while nobody writes
	after       func(context.Context, *suite) error // clears up, while nobody writes
}

// events are all, in the order in which they happen. The bounds are many times
// what is usual on a machine with nothing else to do.
var events []event

func init() {
	events = []event{
		{name: "nothing", about: "ten seconds without an event", run: nothing, pause: 2 * time.Second, calm: true},
		{name: "metrics", about: "Prometheus' library reads what each pod exposes", run: scrape, pause: 2 * time.Second, calm: true},
		{name: "helm-test", about: "helm test", run: helmTest, pause: 2 * time.Second, calm: true},
		{name: "delete-follower", about: "delete the pods of both followers, one after the other", run: deleteFollowers, pause: 5 * time.Second, calm: true},
		{name: "delete-leader", about: "delete the leader's pod", run: deleteLeader, pause: 5 * time.Second, calm: true},
		{name: "delete-all", about: "delete all pods at once", run: deleteAll, pause: time.Minute},
		{name: "lost-disk", about: "delete the leader's pod and its claim", run: lostDisk, pause: 5 * time.Second, calm: true},
		{name: "upgrade", about: "helm upgrade to another image and other settings", run: upgrade, pause: 5 * time.Second, calm: true},
		{name: "rollback", about: "helm rollback", run: rollback, pause: 5 * time.Second, calm: true},
		{name: "scale", about: "helm upgrade to five nodes, then to three", run: scale, pause: 10 * time.Second, calm: true},
		{name: "kill", about: "SIGKILL of the leader's process", run: kill, pause: 10 * time.Second, steady: true, kit: true},
		{name: "black-hole", about: "no packet reaches or leaves the leader for fifteen seconds", run: blackHole, pause: 20 * time.Second, kit: true},
		{name: "recover", about: "the quorum is lost for good: two disks of three are gone; the third goes on", run: recoverQuorum, pause: 4 * time.Minute},
		{name: "backup", about: "back up, uninstall, and restore into a new release", run: backupAndRestore, calm: true},
		{name: "tls", about: "renewal of all certificates of a second release, with TLS for clients and between nodes", run: renewTLS,
			before: installTLS, after: removeTLS, pause: 2 * time.Second, calm: true},
	}
}

// find returns the event with a name.
func find(name string) (event, bool) {
	for _, e := range events {
		if e.name == name {
			return e, true
		}
	}
	return event{}, false
}

func nothing(ctx context.Context, s *suite) (string, error) {
	select {
	case <-time.After(10 * time.Second):
	case <-ctx.Done():
	}
	return "", ctx.Err()
}

func deleteFollowers(ctx context.Context, s *suite) (string, error) {
	followers, err := s.on.followers(ctx)
	for _, name := range followers {
		if err == nil {
			err = s.on.deletePod(ctx, name)
		}
		if err == nil {
			err = s.on.settled(ctx, replicas)
		}
	}
	return "", err
}

func deleteLeader(ctx context.Context, s *suite) (string, error) {
	leader, err := s.on.leader(ctx)
	if err != nil {
		return "", err
	}
	return "", s.on.deletePod(ctx, leader)
}

func deleteAll(ctx context.Context, s *suite) (string, error) {
	pods, err := s.on.pods(ctx, s.on.name)
	if err != nil {
		return "", err
	}
	addresses := map[string]bool{}
	for _, p := range pods {
		addresses[p.Status.PodIP] = true
		if err := s.kube.CoreV1().Pods(s.kube.namespace).Delete(ctx, p.Name, meta.DeleteOptions{}); err != nil {
			return "", err
		}
	}
	for _, p := range pods {
		if err := until(ctx, p.Name+" to be replaced", func() error {
			now, err := s.kube.CoreV1().Pods(s.kube.namespace).Get(ctx, p.Name, meta.GetOptions{})
			if err == nil && now.UID == p.UID {
				err = errors.New("the old pod is there still")
			}
			return err
		}); err != nil {
			return "", err
		}
	}
	if err := s.on.settled(ctx, replicas); err != nil {
		return "", err
	}
	pods, err = s.on.pods(ctx, s.on.name)
	changed := 0
	for _, p := range pods {
		if !addresses[p.Status.PodIP] {
			changed++
		}
	}
	return fmt.Sprintf("%d new addresses", changed), err
}

// lostDisk deletes the claim first: Kubernetes keeps it until its pod is gone.
func lostDisk(ctx context.Context, s *suite) (string, error) {
	leader, err := s.on.leader(ctx)
	if err != nil {
		return "", err
	}
	return "", s.on.loseDisks(ctx, leader)
}

// loseDisks deletes pods with their claims, and waits for new ones.
func (r *release) loseDisks(ctx context.Context, names ...string) error {
	claims := r.CoreV1().PersistentVolumeClaims(r.namespace)
	old := map[string]string{}
	for _, name := range names {
		claim, err := claims.Get(ctx, "data-"+name, meta.GetOptions{})
		if err == nil {
			old[claim.Name] = string(claim.UID)
			err = claims.Delete(ctx, claim.Name, meta.DeleteOptions{})
		}
		if err == nil {
			err = r.CoreV1().Pods(r.namespace).Delete(ctx, name, meta.DeleteOptions{})
		}
		if err != nil {
			return err
		}
	}
	for claim, uid := range old {
		if err := until(ctx, "a new "+claim, func() error {
			now, err := claims.Get(ctx, claim, meta.GetOptions{})
			if err == nil && string(now.UID) == uid {
				err = errors.New("the old claim is there still")
			}
			if apierrors.IsNotFound(err) {
				err = errors.New("there is none")
			}
			return err
		}); err != nil {
			return err
		}
	}
	return nil
}
