package node

import (
	"context"
	"errors"
	"os"
	"slices"

	"github.com/trivetdb/trivet/fsm"
	"github.com/trivetdb/trivet/fsm/acl"
	"github.com/trivetdb/trivet/node/server"
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
	ctx, cancel := n.untilStop()
	defer cancel()
	for ctx.Err() == nil && n.front.Settle(ctx) != nil {
		pause(ctx, retryPause)
	}
}

// SetUsers makes users what lines say, and deletes those of the names in gone, all
// at once. Users who are as they should be are left alone, so all nodes may be
// given the same lines whenever they start; others stay as they are. A line makes a
// user anew: one for the default user has to give its passwords, as that of the
// configuration does not count then. The default user cannot be deleted, and stays
// as it is. Errors are also server.ErrNoLeader and server.ErrUnknown: try again.
func (n *Node) SetUsers(ctx context.Context, lines []server.UserLine, gone []string) error {
	if err := n.Settle(ctx); err != nil {
		return err
	}
	var users *acl.Users
	n.machine.view(func(s *fsm.State) { users = s.Users() })
	var group fsm.Group
	var faults []error
	for _, line := range lines {
		args, err := n.front.UserChange(users, line)
		switch {
		case err != nil:
			faults = append(faults, err)
		case args != nil:
			group.Add(fsm.Lookup("ACL|SETUSER"), args, nil)
		}
	}
	for _, name := range gone {
		if name != acl.Default && users.Get(name) != nil {
			group.Add(fsm.Lookup("ACL|DELUSER"), [][]byte{nil, []byte("DELUSER"), []byte(name)}, nil)
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

// watchUsers gives the cluster the users of the file, at the start and whenever
// the file changes.
func (n *Node) watchUsers() {
	ctx, _ := n.untilStop()
	applied, loads := "", uint64(0)
	n.watch("users", func() error {
		text, err := os.ReadFile(n.cfg.UsersFile)
		if err != nil {
			return err
		}
		// A backup that was restored brought users of its own.
		now := n.machine.loads()
		if n.peopled.Load() && string(text) == applied && now == loads {
			return nil
		}
		users, err := server.ParseUsers(string(text))
		if err != nil {
			return err
		}
		err = n.applyUsers(ctx, users)
		switch {
		case errors.Is(err, server.ErrNoLeader), errors.Is(err, server.ErrUnknown):
			return nil // the file is sound; it is looked at again
		case err != nil:
			return err
		}
		applied, loads = string(text), now
		n.peopled.Store(true)
		n.cfg.Log.Info("the users are those of the file", "users", len(users))
		return nil
	})
}

// applyUsers makes the users of the file, and deletes those that this node took
// from it before and that are no more in it. Their names are noted before they are
// made: were they not, a crash could leave users behind that nobody deletes.
func (n *Node) applyUsers(ctx context.Context, users []server.UserLine) error {
	before, err := n.dir.UserNames()
	if err != nil {
		n.cfg.Log.Error("users who are no more in the file may stay: delete them with ACL DELUSER", "err", err)
	}
	var now, gone []string
	for _, u := range users {
		now = append(now, u.Name)
	}
	slices.Sort(now)
	for _, name := range before {
		if !slices.Contains(now, name) {
			gone = append(gone, name)
		}
	}
	if err := n.dir.SetUserNames(slices.Concat(now, gone)); err != nil {
		return err
	}
	if err := n.SetUsers(ctx, users, gone); err != nil {
		return err
	}
	return n.dir.SetUserNames(now)
}
