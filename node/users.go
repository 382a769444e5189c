package node

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/fsm/acl"
)

// people are whom a machine tells of users. The zero value tells nobody.
type people struct {
	self    uint64 // this node, as an origin of batches
	last    *acl.Users
	changed func(users *acl.Users, deleted []string)
	refused func([]acl.Refusal)
}

// tell hands over the users where they have changed, and, where it is news, what
// was denied to scripts of this node's clients. The caller holds the machine's
// lock, and has told nobody yet that the entry is applied.
func (p *people) tell(s *fsm.State, news bool) {
	deleted := s.TakeDeleted()
	if users := s.Users(); users != p.last && p.changed != nil {
		p.last = users
		p.changed(users, deleted)
	}
	var own []acl.Refusal
	for _, r := range s.TakeRefusals() {
		if r.Origin == p.self {
			own = append(own, r.Refusal)
		}
	}
	if own != nil && news && p.refused != nil {
		p.refused(own)
	}
}

// Settle implements server.Backend.
func (n *Node) Settle(ctx context.Context) error {
	if n.current.Load() {
		return nil
	}
	return n.catchUp(ctx, 0, true)
}

// settleUsers lets the server know, once it is true, that this node's users are
// those of the cluster.
func (n *Node) settleUsers() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		<-n.stop
		cancel()
	}()
	for ctx.Err() == nil && n.front.Settle(ctx) != nil {
		pause(ctx, retryPause)
	}
}

// SetUsers makes users what lines say, each as ACL LIST shows it: "user joe on
// >secret ~* +@read". Users who are as they should be are left alone, so all
// nodes may be given the same lines whenever they start. Users whom no line names
// stay as they are. A line makes a user anew: one for the default user has to give
// its passwords, as that of the configuration does not count then.
func (n *Node) SetUsers(ctx context.Context, lines []string) error {
	if err := n.Settle(ctx); err != nil {
		return err
	}
	var users *acl.Users
	n.machine.view(func(s *fsm.State) { users = s.Users() })
	var group fsm.Group
	var faults []error
	for _, line := range lines {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		if len(words) < 2 || words[0] != "user" {
			faults = append(faults, errors.New("a line of users does not start with: user name")) // it may hold a password
			continue
		}
		args, err := n.front.UserChange(users, words[1], words[2:])
		switch {
		case err != nil:
			faults = append(faults, fmt.Errorf("user %s: %w", words[1], err))
		case args != nil:
			group.Add(fsm.Lookup("ACL|SETUSER"), args, nil)
		}
	}
	if len(faults) > 0 || group.Len() == 0 {
		return errors.Join(faults...)
	}
	replies, _, err := n.Write(ctx, 0, &group)
	if err != nil {
		return err
	}
	for _, v := range replies {
		if v.IsError() {
			return errors.New(v.Str)
		}
	}
	return nil
}
