package acl

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
)

// Default is the user that a connection belongs to before it says otherwise.
const Default = "default"

// A User is who may come in, and what for.
type User struct {
	Name    string
	Enabled bool
	NoPass  bool // any password will do
	// Configured says that no rule has spoken of passwords yet, so that those
	// count that the node was started with. Only the default user begins so.
	Configured bool
	Payload    Payload
	Passwords  []string   // SHA-256, in hexadecimal digits
	Selectors  []Selector // the first is the user's own; any of them may allow a command
}

// A Payload is a rule about RESTORE, which has no effect here.
type Payload uint8

// What may be said of payloads.
const (
	PayloadUnsaid Payload = iota
	PayloadSanitized
	PayloadTrusted
)

// A Selector is one set of permissions. A command needs one selector that allows
// all of it: the command, its keys and its channels.
type Selector struct {
	AllKeys     bool
	AllChannels bool
	AllCommands bool // where no rule decides
	Keys        []KeyPattern
	Channels    []string // patterns
	Commands    []Rule   // the last one that matches decides
}

// An Access says what a command does with a key.
type Access uint8

// The kinds of access. A key of which only the existence or the type matters
// needs neither.
const (
	Read Access = 1 << iota
	Write
)

// A KeyPattern allows some access to the keys that match.
type KeyPattern struct {
	Pattern string
	Access  Access
}

// A Rule allows or forbids a command, "get", a subcommand, "config|get", a
// command with a first argument, "select|0", or a category, "@read".
type Rule struct {
	Allow bool
	Name  string
}

// newUser returns a user who may do nothing, as ACL SETUSER makes it.
func newUser(name string) *User { return &User{Name: name, Selectors: []Selector{{}}} }

// Nobody returns a user who may do nothing, for one who is not there any more.
func Nobody(name string) *User { return newUser(name) }

// newDefault returns the default user of a new cluster, who may do everything.
func newDefault() *User {
	return &User{
		Name: Default, Enabled: true, NoPass: true, Configured: true,
		Selectors: []Selector{{AllKeys: true, AllChannels: true, AllCommands: true}},
	}
}

// clone returns a user that may be changed.
func (u *User) clone() *User {
	c := *u
	c.Passwords = slices.Clone(u.Passwords)
	c.Selectors = slices.Clone(u.Selectors)
	for i := range c.Selectors {
		s := &c.Selectors[i]
		s.Keys, s.Channels, s.Commands = slices.Clone(s.Keys), slices.Clone(s.Channels), slices.Clone(s.Commands)
	}
	return &c
}

// Everything reports whether the user may do all there is.
func (u *User) Everything() bool {
	s := &u.Selectors[0]
	return s.AllKeys && s.AllChannels && s.AllCommands && len(s.Commands) == 0
}

// Hash returns what is kept of a password.
func Hash(password []byte) string {
	sum := sha256.Sum256(password)
	return hex.EncodeToString(sum[:])
}

// Admits reports whether the user may come in with a password of this hash.
// Hashes tell nothing of one another, so comparing them need not take the same
// time always.
func (u *User) Admits(hash string) bool {
	return u.Enabled && (u.NoPass || slices.Contains(u.Passwords, hash))
}

// Open reports whether the user may come in without saying anything.
func (u *User) Open() bool { return u.Enabled && u.NoPass }

// SameCredentials reports whether the same passwords open both users.
func (u *User) SameCredentials(v *User) bool {
	return u.Enabled == v.Enabled && u.NoPass == v.NoPass && slices.Equal(u.Passwords, v.Passwords)
}

// Users are all users. The value never changes; With and Without return others.
type Users struct {
	byName map[string]*User
	names  []string // sorted
}

// NewUsers returns the users of a new cluster: the default one.
func NewUsers() *Users { return new(Users).With(newDefault()) }

// Get returns the user of a name, or nil.
func (s *Users) Get(name string) *User { return s.byName[name] }

// Names returns the names in byte order. The caller must not change them.
func (s *Users) Names() []string { return s.names }

// With returns the users with u in the place of the one of the same name.
func (s *Users) With(u *User) *Users {
	c := &Users{byName: map[string]*User{u.Name: u}, names: s.names}
	for _, name := range s.names {
		if name != u.Name {
			c.byName[name] = s.byName[name]
		}
	}
	if at, found := slices.BinarySearch(s.names, u.Name); !found {
		c.names = slices.Insert(slices.Clone(s.names), at, u.Name)
	}
	return c
}

// Without returns the users but for that of a name.
func (s *Users) Without(name string) *Users {
	c := &Users{byName: map[string]*User{}}
	for _, other := range s.names {
		if other != name {
			c.byName[other] = s.byName[other]
			c.names = append(c.names, other)
		}
	}
	return c
}

// WithPassword returns the users as a node sees them that was started with a
// password, given by its hash: it is the default user's until rules say
// otherwise.
func (s *Users) WithPassword(hash string) *Users {
	u := s.Get(Default)
	if u == nil || !u.Configured {
		return s
	}
	c := *u
	c.NoPass, c.Passwords = false, []string{hash}
	return s.With(&c)
}
