//go:build hostile

package hostile

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"strconv"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/trivetdb/trivet/node/gossip"
	"github.com/trivetdb/trivet/resp"
	"github.com/trivetdb/trivet/test/cluster"
	"github.com/trivetdb/trivet/transport"
)

// forgeries are nodes of gossip that are none of the cluster's, and what one that knows the
// cluster's key can send: section B8.
var forgeries = group{name: "B8 forgeries", inputs: []input{
	{name: "a node of another cluster, without a key", want: alone, send: forge(nil), also: sameMembers},
	{name: "a node of another cluster, with another key", want: alone, send: forge(keyOf("another")), also: sameMembers},
	{name: "a node of another cluster, with the key", want: served, send: forge(keyOf(cluster.Secret)), also: both(sameMembers, sameLeader)},
	{name: "64 MB of state from one who has the key", want: anything, send: withKey(func(list *memberlist.Memberlist, at *memberlist.Node) {
		list.Join([]string{at.Address()}) // its state goes with it
	}), also: sameMembers},
	{name: "messages of 64 MB from one who has the key", want: anything, send: withKey(func(list *memberlist.Memberlist, at *memberlist.Node) {
		for range 5 {
			list.SendReliable(at, make([]byte, 64<<20))
		}
	}), also: sameMembers},
}}

func keyOf(secret transport.Secret) [][]byte { return [][]byte{secret.Key("gossip")} }

func both(first, second func(*scene) error) func(*scene) error {
	return func(s *scene) error { return errors.Join(first(s), second(s)) }
}

// alone wants that nobody spoke to the forged node.
func alone(v resp.Value, err error) string {
	if err == nil && v.Int != 0 {
		return fmt.Sprintf("the forged node sees %d others", v.Int)
	}
	return answered(v, err)
}

// forge has a node join that says to be the leader's, and a member of another cluster. It
// returns how many others it sees after some seconds.
func forge(keys [][]byte) func(*scene) (resp.Value, error) {
	return func(s *scene) (resp.Value, error) {
		forged, err := gossip.Start(gossip.Options{
			ID: "forged-0123456789abcdef", Bind: "127.0.0.1:0", Join: []string{s.at.Gossip, s.leader.Gossip}, Keys: keys,
			Meta: gossip.Meta{Name: s.leader.Name, Peer: "127.0.0.1:1", Cluster: "another", Member: true, Expect: 1},
		})
		if err != nil {
			return resp.Nil, err
		}
		defer forged.Close()
		time.Sleep(3 * time.Second)
		return resp.Int(int64(len(forged.Peers()))), nil
	}
}

// withKey has a node of gossip that knows the key do what the guard of ours would not
// let it do.
func withKey(do func(list *memberlist.Memberlist, at *memberlist.Node)) func(*scene) (resp.Value, error) {
	return func(s *scene) (resp.Value, error) {
		host, port, err := net.SplitHostPort(s.at.Gossip)
		if err != nil {
			return resp.Nil, err
		}
		number, err := strconv.Atoi(port)
		if err != nil {
			return resp.Nil, err
		}
		c := memberlist.DefaultLocalConfig()
		c.Name, c.BindAddr, c.BindPort, c.Logger = "bomber", "127.0.0.1", 0, log.New(io.Discard, "", 0)
		c.SecretKey, c.Delegate, c.EnableCompression = keyOf(cluster.Secret)[0], heavy{}, true
		list, err := memberlist.Create(c)
		if err != nil {
			return resp.Nil, err
		}
		defer list.Shutdown()
		do(list, &memberlist.Node{Name: s.at.Name, Addr: net.ParseIP(host), Port: uint16(number)})
		return resp.OK, nil
	}
}

// heavy is a memberlist.Delegate with much state.
type heavy struct{}

func (heavy) NodeMeta(int) []byte             { return nil }
func (heavy) NotifyMsg([]byte)                {}
func (heavy) GetBroadcasts(int, int) [][]byte { return nil }
func (heavy) LocalState(bool) []byte          { return make([]byte, 64<<20) }
func (heavy) MergeRemoteState([]byte, bool)   {}
