package node

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trivetdb/trivet/test/certs"
)

// TestGossipKeys changes the key of a cluster's gossip in three steps, each in
// the one file that all nodes have. Later only who has the new key gets in.
func TestGossipKeys(t *testing.T) {
	t.Parallel()
	line := func(letter string) string {
		return base64.StdEncoding.EncodeToString(bytes.Repeat([]byte(letter), 32)) + "\n"
	}
	dir := t.TempDir()
	put := func(text string) { certs.Put(t, dir, "keys", []byte(text)) }
	put(line("o"))
	file := filepath.Join(dir, "keys")
	c := startCluster(t, 2, func(conf *Config) { conf.GossipKeyFile = file })
	faulty := func() string { return c.members[0].metric(`trivet_file_faulty{file="gossip-key"}`) }
	for _, text := range []string{line("o") + line("y"), line("y") + line("o"), "nonsense", line("y")} {
		put(text)
		if text == "nonsense" {
			until(t, "it is reported", func() bool { return faulty() == "1" })
		}
		time.Sleep(2 * lookEvery)
	}
	until(t, "all is well", func() bool { return faulty() == "0" })
	old := filepath.Join(dir, "old")
	if err := os.WriteFile(old, []byte(line("o")), 0o600); err != nil {
		t.Fatal(err)
	}
	stranger := c.add(func(conf *Config) { conf.GossipKeyFile = old })
	stranger.start()
	friend := c.add(func(conf *Config) { conf.GossipKeyFile = file })
	friend.start()
	until(t, "the one with the new key joins", func() bool { return friend.joined.Load() })
	if stranger.joined.Load() || len(c.members[0].servers()) != 3 {
		t.Errorf("who has the old key joined: %v", c.members[0].servers())
	}
}

// TestUsersFile gives three nodes a file each. What is in the files counts, also
// of a node that was started again meanwhile; who is no more in them is deleted.
func TestUsersFile(t *testing.T) {
	t.Parallel()
	dirs := map[string]string{}
	put := func(text string, hosts ...string) {
		for _, host := range hosts {
			certs.Put(t, dirs[host], "users", []byte(text))
		}
	}
	const joe, ann, bob = "user joe on >pw ~k:* +@all -@dangerous (%R~r +get)\n", "user ann on >pw +@read\n", "user bob off\n"
	c := startCluster(t, 3, func(conf *Config) {
		dirs[conf.Name] = t.TempDir()
		put(joe+ann, conf.Name)
		conf.UsersFile = filepath.Join(dirs[conf.Name], "users")
	})
	users := func(want string) {
		t.Helper()
		for _, m := range c.members {
			if m.Node != nil {
				until(t, m.host+" has "+want, func() bool { return fmt.Sprint(m.acl("USERS")) == want })
			}
		}
	}
	for _, m := range c.members {
		until(t, m.host+" is ready", func() bool {
			code, body := m.ready()
			return code == http.StatusOK && strings.Contains(body, "[+]users ok")
		})
	}
	users("[ann default joe]")
	c.checkDenials()

	// A user of no file is left alone, and faulty files change nothing.
	c.members[0].acl("SETUSER", "eve", "on")
	put(joe+"user ann +nosuch\n", "a", "b", "c")
	until(t, "it is reported", func() bool { return c.members[2].metric(`trivet_file_faulty{file="users"}`) == "1" })
	users("[ann default eve joe]")

	// Two nodes hear of the change, one is down and has it when it comes back.
	c.members[1].kill()
	put(joe+bob, "a", "b", "c")
	users("[bob default eve joe]")
	c.members[0].acl("SETUSER", "ann", "on") // as a node with the old file would
	c.members[1].start()
	users("[bob default eve joe]")

	// All are down while a user goes.
	for _, m := range c.members {
		m.kill()
	}
	put(bob, "a", "b", "c")
	for _, m := range c.members {
		m.start()
	}
	users("[bob default eve]")
	put("", "a", "b", "c")
	users("[default eve]")
	c.sameState()
}

func TestFilesRefused(t *testing.T) {
	authority, dir := certs.New(t), t.TempDir()
	authority.Issue(t, dir)
	sound := certificate(dir)
	for _, c := range []struct {
		name   string
		change func(*Config)
		want   []string
	}{
		{"no key", func(c *Config) { c.TLS = Certificate{Cert: sound.Cert} }, []string{"give both tls-cert-file and tls-key-file"}},
		{"only an authority", func(c *Config) { c.TLS = Certificate{CA: sound.CA} }, []string{"give both tls-cert-file and tls-key-file"}},
		{"no authority", func(c *Config) { c.TLS, c.TLSAuthClients = Certificate{Cert: sound.Cert, Key: sound.Key}, "yes" }, []string{"tls-auth-clients needs tls-ca-cert-file"}},
		{"no certificate", func(c *Config) { c.TLSAuthClients = "optional" }, []string{"give both tls-cert-file and tls-key-file"}},
		{"unknown word", func(c *Config) { c.TLSAuthClients = "maybe" }, []string{`tls-auth-clients "maybe": use no, optional or yes`}},
		{"no keys", func(c *Config) { c.GossipKeyFile = "nowhere.key" }, []string{"gossip-key-file: ", "nowhere.key"}},
		{"no users", func(c *Config) { c.UsersFile = "nowhere.acl" }, []string{"users-file: ", "nowhere.acl"}},
		{"wrong users", func(c *Config) { c.UsersFile = sound.CA }, []string{"users-file: ", "line 1 does not start with: user name"}},
		{"peers without authority", func(c *Config) { c.PeerTLS = Certificate{Cert: sound.Cert, Key: sound.Key} }, []string{"give all of peer-tls-cert-file"}},
		{"all at once", func(c *Config) {
			c.TLS = Certificate{Cert: sound.Key, Key: sound.Cert, CA: "nowhere.crt"}
			c.PeerTLS = Certificate{Cert: "nothing.crt", Key: sound.Key, CA: sound.Key}
			c.GossipKeyFile = sound.CA
		}, []string{"gossip-key-file: ", "line 1 is no base64", "tls: ", "with key", "nowhere.crt", "peer-tls: ", "nothing.crt", "no certificate in it"}},
	} {
		conf := Config{Name: "a", BootstrapExpect: 1}
		c.change(&conf)
		err := conf.Validate()
		if err == nil {
			t.Errorf("%s: no error", c.name)
			continue
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: no %q in: %v", c.name, want, err)
			}
		}
	}
	if err := (Config{Name: "a", BootstrapExpect: 1, TLS: sound, PeerTLS: sound, TLSAuthClients: "optional"}).Validate(); err != nil {
		t.Error(err)
	}
}
