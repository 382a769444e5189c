//go:build clients

package clients

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// A goTour is a tour with go-redis; c and other have connections of their own.
type goTour struct {
	*testing.T
	ctx      context.Context
	c, other redis.UniversalClient
}

// TestGoRedis takes the tour with go-redis.
func TestGoRedis(t *testing.T) {
	tours(t, all, both, func(t *testing.T, at target, protocol int) {
		g := goTour{t, t.Context(), goClient(at, protocol, 0), goClient(at, protocol, 0)}
		defer g.c.Close()
		defer g.other.Close()
		g.strings()
		g.keys(at)
		g.lists()
		g.hashesAndSets()
		g.sortedSets()
		g.streams()
		g.bits()
		g.geo()
		g.transactions()
		g.scripts()
		g.pubSub()
		g.refusals()
		if at.mode != "cluster" {
			g.databases(goClient(at, protocol, 3))
		}
	})
}

func goClient(at target, protocol, db int) redis.UniversalClient {
	switch at.mode {
	case "sentinel":
		return redis.NewFailoverClient(&redis.FailoverOptions{
			MasterName: "mymaster", SentinelAddrs: at.addrs, Protocol: protocol, ClientName: "tour", DB: db, ReadTimeout: time.Minute,
		})
	case "cluster":
		return redis.NewClusterClient(&redis.ClusterOptions{
			Addrs: at.addrs[:1], Protocol: protocol, ClientName: "tour", ReadTimeout: time.Minute,
		})
	}
	return redis.NewClient(&redis.Options{
		Addr: at.addrs[0], Protocol: protocol, ClientName: "tour", DB: db, ReadTimeout: time.Minute,
	})
}

func gk(name string) string { return "{go}:" + name }

// is compares how two values print.
func (g goTour) is(what string, got, want any) {
	g.Helper()
	same(g.T, what, fmt.Sprint(got), fmt.Sprint(want))
}

func (g goTour) strings() {
	c, ctx := g.c, g.ctx
	g.is("Set", c.Set(ctx, gk("a"), "x", 0).Val(), "OK")
	g.is("Get", c.Get(ctx, gk("a")).Val(), "x")
	g.is("Get of none", c.Get(ctx, gk("none")).Err(), redis.Nil)
	g.is("SetNX", c.SetNX(ctx, gk("a"), "y", 0).Val(), false)
	g.is("SetArgs", c.SetArgs(ctx, gk("a"), "z", redis.SetArgs{Mode: "XX", Get: true, TTL: time.Minute}).Val(), "x")
	g.is("Set with KeepTTL", c.Set(ctx, gk("a"), "w", redis.KeepTTL).Val(), "OK")
	g.is("TTL", c.TTL(ctx, gk("a")).Val() > 50*time.Second, true)
	g.is("GetEx", c.GetEx(ctx, gk("a"), time.Hour).Val(), "w")
	g.is("IncrBy", []int64{c.Incr(ctx, gk("n")).Val(), c.IncrBy(ctx, gk("n"), 5).Val(), c.Decr(ctx, gk("n")).Val()}, "[1 6 5]")
	g.is("IncrByFloat", []float64{c.IncrByFloat(ctx, gk("f"), 1.5).Val(), c.IncrByFloat(ctx, gk("f"), -0.25).Val()}, "[1.5 1.25]")
	g.is("MSet", c.MSet(ctx, gk("m1"), "a", gk("m2"), "b").Val(), "OK")
	g.is("MGet", c.MGet(ctx, gk("m1"), gk("none"), gk("m2")).Val(), "[a <nil> b]")
	g.is("Append", c.Append(ctx, gk("m1"), "bc").Val(), 3)
	g.is("GetRange", c.GetRange(ctx, gk("m1"), 1, -1).Val(), "bc")
	g.is("GetDel", c.GetDel(ctx, gk("m1")).Val(), "abc")
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	key := gk(string(all))
	g.is("Set of bytes", c.Set(ctx, key, all, 0).Err(), nil)
	g.is("Get of bytes", c.Get(ctx, key).Val() == string(all), true)
}

func (g goTour) keys(at target) {
	c, ctx := g.c, g.ctx
	for i := range 50 {
		g.is("Set", c.Set(ctx, gk(fmt.Sprint("scan:", i)), i, 0).Err(), nil)
	}
	found := map[string]bool{}
	scan := func(ctx context.Context, c *redis.Client) error {
		i := c.Scan(ctx, 0, gk("scan:*"), 7).Iterator()
		for i.Next(ctx) {
			found[i.Val()] = true
		}
		return i.Err()
	}
	switch c := c.(type) {
	case *redis.ClusterClient:
		g.is("ForEachMaster", c.ForEachMaster(ctx, scan), nil)
	case *redis.Client:
		g.is("Scan", scan(ctx, c), nil)
	}
	g.is("Scan", len(found), 50)
	g.is("Type", c.Type(ctx, gk("a")).Val(), "string")
	g.is("Exists", c.Exists(ctx, gk("a"), gk("a"), gk("none")).Val(), 2)
	g.is("Rename", c.Rename(ctx, gk("a"), gk("b")).Val(), "OK")
	g.is("ExpireGT", c.ExpireGT(ctx, gk("b"), time.Minute).Val(), false)
	g.is("Persist", c.Persist(ctx, gk("b")).Val(), true)
	g.is("PTTL", []time.Duration{c.PTTL(ctx, gk("b")).Val(), c.PTTL(ctx, gk("none")).Val()}, "[-1ns -2ns]")
	g.is("PExpire", c.PExpire(ctx, gk("b"), 20*time.Millisecond).Val(), true)
	time.Sleep(60 * time.Millisecond)
	g.is("Get of what expired", c.Get(ctx, gk("b")).Err(), redis.Nil)
	g.is("Del", c.Del(ctx, gk("m2"), gk("none")).Val(), 1)
	g.is("Unlink", c.Unlink(ctx, gk("n")).Val(), 1)
}

func (g goTour) lists() {
	c, ctx := g.c, g.ctx
	g.is("RPush", c.RPush(ctx, gk("l"), "a", "b", "c").Val(), 3)
	g.is("LPush", c.LPush(ctx, gk("l"), "z").Val(), 4)
	g.is("LRange", c.LRange(ctx, gk("l"), 0, -1).Val(), "[z a b c]")
	g.is("LPopCount", c.LPopCount(ctx, gk("l"), 2).Val(), "[z a]")
	g.is("LInsert", c.LInsertBefore(ctx, gk("l"), "c", "bb").Val(), 3)
	g.is("LMove", c.LMove(ctx, gk("l"), gk("l2"), "LEFT", "RIGHT").Val(), "b")
	g.is("LPos", c.LPos(ctx, gk("l"), "c", redis.LPosArgs{}).Val(), 1)
	g.is("BLPop", c.BLPop(ctx, time.Second, gk("l")).Val(), []string{gk("l"), "bb"})
	waiting := make(chan []string)
	go func() { waiting <- g.other.BRPop(ctx, 30*time.Second, gk("q"), gk("q2")).Val() }()
	time.Sleep(100 * time.Millisecond)
	g.is("LPush to one who waits", c.LPush(ctx, gk("q2"), "job").Val(), 1)
	g.is("BRPop", <-waiting, []string{gk("q2"), "job"})
	smallest := make(chan *redis.ZWithKey)
	go func() { smallest <- g.other.BZPopMin(ctx, 30*time.Second, gk("bz")).Val() }()
	time.Sleep(100 * time.Millisecond)
	g.is("ZAdd", c.ZAdd(ctx, gk("bz"), redis.Z{Score: 1.5, Member: "m"}).Val(), 1)
	if got := <-smallest; got == nil || got.Z != (redis.Z{Score: 1.5, Member: "m"}) {
		g.Errorf("BZPopMin: got %v", got)
	}
}

func (g goTour) hashesAndSets() {
	c, ctx := g.c, g.ctx
	g.is("HSet", c.HSet(ctx, gk("h"), "f", 1, "g", "two").Val(), 2)
	g.is("HGetAll", c.HGetAll(ctx, gk("h")).Val(), map[string]string{"f": "1", "g": "two"})
	g.is("HMGet", c.HMGet(ctx, gk("h"), "f", "none").Val(), "[1 <nil>]")
	g.is("HIncrBy", c.HIncrBy(ctx, gk("h"), "f", 4).Val(), 5)
	g.is("HIncrByFloat", c.HIncrByFloat(ctx, gk("h"), "x", 0.5).Val(), 0.5)
	fields, _ := c.HScan(ctx, gk("h"), 0, "", 0).Val()
	g.is("HScan", len(fields), 6)
	g.is("HDel", c.HDel(ctx, gk("h"), "f", "none").Val(), 1)
	g.is("SAdd", c.SAdd(ctx, gk("s"), "a", "b", "c", "a").Val(), 3)
	g.is("SMembers", slices.Sorted(slices.Values(c.SMembers(ctx, gk("s")).Val())), "[a b c]")
	g.is("SMIsMember", c.SMIsMember(ctx, gk("s"), "a", "q").Val(), "[true false]")
	g.is("SAdd", c.SAdd(ctx, gk("s2"), "b", "c", "d").Val(), 3)
	g.is("SInter", slices.Sorted(slices.Values(c.SInter(ctx, gk("s"), gk("s2")).Val())), "[b c]")
	g.is("SDiffStore", c.SDiffStore(ctx, gk("s3"), gk("s"), gk("s2")).Val(), 1)
	g.is("SPop", c.SPop(ctx, gk("s3")).Val(), "a")
}

func (g goTour) sortedSets() {
	c, ctx := g.c, g.ctx
	g.is("ZAdd", c.ZAdd(ctx, gk("z"), redis.Z{Score: 1, Member: "a"}, redis.Z{Score: 2.5, Member: "b"}, redis.Z{Score: math.Inf(1), Member: "c"}).Val(), 3)
	g.is("ZAddArgs", c.ZAddArgs(ctx, gk("z"), redis.ZAddArgs{GT: true, Ch: true, Members: []redis.Z{{Score: 0, Member: "a"}, {Score: 3.25, Member: "b"}}}).Val(), 1)
	g.is("ZScore", c.ZScore(ctx, gk("z"), "b").Val(), 3.25)
	g.is("ZScore of none", c.ZScore(ctx, gk("z"), "none").Err(), redis.Nil)
	g.is("ZIncrBy", c.ZIncrBy(ctx, gk("z"), 0.5, "a").Val(), 1.5)
	g.is("ZRangeWithScores", c.ZRangeWithScores(ctx, gk("z"), 0, 1).Val(), []redis.Z{{Score: 1.5, Member: "a"}, {Score: 3.25, Member: "b"}})
	g.is("ZRangeArgs", c.ZRangeArgs(ctx, redis.ZRangeArgs{Key: gk("z"), Start: "(1.5", Stop: "+inf", ByScore: true, Count: 1}).Val(), "[b]")
	g.is("ZRank", []int64{c.ZRank(ctx, gk("z"), "b").Val(), c.ZRevRank(ctx, gk("z"), "c").Val()}, "[1 0]")
	g.is("ZPopMax", c.ZPopMax(ctx, gk("z")).Val(), []redis.Z{{Score: math.Inf(1), Member: "c"}})
	g.is("ZAdd", c.ZAdd(ctx, gk("z2"), redis.Z{Score: 10, Member: "a"}).Val(), 1)
	g.is("ZUnionWithScores", c.ZUnionWithScores(ctx, redis.ZStore{Keys: []string{gk("z"), gk("z2")}}).Val(),
		[]redis.Z{{Score: 3.25, Member: "b"}, {Score: 11.5, Member: "a"}})
}

func (g goTour) streams() {
	c, ctx := g.c, g.ctx
	one, two := redis.XMessage{ID: "1-1", Values: map[string]any{"f": "v"}}, redis.XMessage{ID: "2-0", Values: map[string]any{"g": "w"}}
	g.is("XAdd", c.XAdd(ctx, &redis.XAddArgs{Stream: gk("x"), ID: "1-1", Values: one.Values}).Val(), "1-1")
	g.is("XAdd", c.XAdd(ctx, &redis.XAddArgs{Stream: gk("x"), ID: "2-0", Values: two.Values, MaxLen: 100, Approx: true}).Val(), "2-0")
	g.is("XRange", c.XRange(ctx, gk("x"), "-", "+").Val(), []redis.XMessage{one, two})
	g.is("XRevRangeN", c.XRevRangeN(ctx, gk("x"), "+", "-", 1).Val(), []redis.XMessage{two})
	g.is("XRead", c.XRead(ctx, &redis.XReadArgs{Streams: []string{gk("x"), "1-1"}, Count: 5, Block: -1}).Val(),
		[]redis.XStream{{Stream: gk("x"), Messages: []redis.XMessage{two}}})
	waiting := make(chan []redis.XStream)
	go func() {
		waiting <- g.other.XRead(ctx, &redis.XReadArgs{Streams: []string{gk("x"), "$"}, Block: 30 * time.Second}).Val()
	}()
	time.Sleep(100 * time.Millisecond)
	g.is("XAdd to one who waits", c.XAdd(ctx, &redis.XAddArgs{Stream: gk("x"), ID: "3-0", Values: one.Values}).Val(), "3-0")
	g.is("XRead that waited", <-waiting, []redis.XStream{{Stream: gk("x"), Messages: []redis.XMessage{{ID: "3-0", Values: one.Values}}}})
	g.is("XLen", c.XLen(ctx, gk("x")).Val(), 3)
}

func (g goTour) bits() {
	c, ctx := g.c, g.ctx
	g.is("SetBit", []int64{c.SetBit(ctx, gk("bit"), 7, 1).Val(), c.SetBit(ctx, gk("bit"), 7, 1).Val()}, "[0 1]")
	g.is("BitCount", c.BitCount(ctx, gk("bit"), nil).Val(), 1)
	g.is("BitPos", c.BitPos(ctx, gk("bit"), 1).Val(), 7)
	g.is("BitField", c.BitField(ctx, gk("bf"), "OVERFLOW", "SAT", "INCRBY", "u8", "#1", 300, "GET", "u8", 0).Val(), "[255 0]")
	g.is("BitOpNot", c.BitOpNot(ctx, gk("bit2"), gk("bit")).Val(), 1)
	g.is("PFAdd", []int64{c.PFAdd(ctx, gk("p"), "a", "b", "c").Val(), c.PFAdd(ctx, gk("p"), "a").Val()}, "[1 0]")
	g.is("PFAdd", c.PFAdd(ctx, gk("p2"), "d").Val(), 1)
	g.is("PFMerge", c.PFMerge(ctx, gk("p3"), gk("p"), gk("p2")).Val(), "OK")
	g.is("PFCount", c.PFCount(ctx, gk("p3")).Val(), 4)
}

func (g goTour) geo() {
	c, ctx := g.c, g.ctx
	g.is("GeoAdd", c.GeoAdd(ctx, gk("g"), &redis.GeoLocation{Name: "Palermo", Longitude: 13.361389, Latitude: 38.115556},
		&redis.GeoLocation{Name: "Catania", Longitude: 15.087269, Latitude: 37.502669}).Val(), 2)
	g.is("GeoDist", c.GeoDist(ctx, gk("g"), "Palermo", "Catania", "km").Val(), 166.2742)
	g.is("GeoHash", c.GeoHash(ctx, gk("g"), "Palermo").Val(), "[sqc8b49rny0]")
	near := c.GeoSearchLocation(ctx, gk("g"), &redis.GeoSearchLocationQuery{WithDist: true, WithCoord: true,
		GeoSearchQuery: redis.GeoSearchQuery{Longitude: 15, Latitude: 37, Radius: 200, RadiusUnit: "km", Sort: "ASC"}}).Val()
	if len(near) != 2 || near[0].Name != "Catania" || near[1].Dist != 190.4424 || math.Abs(near[1].Longitude-13.361389) > 1e-5 {
		g.Errorf("GeoSearchLocation: got %v", near)
	}
	at := c.GeoPos(ctx, gk("g"), "Palermo", "none").Val()
	if len(at) != 2 || at[0] == nil || at[1] != nil || math.Abs(at[0].Longitude-13.361389) > 1e-5 {
		g.Errorf("GeoPos: got %v", at)
	}
}

func (g goTour) transactions() {
	c, ctx := g.c, g.ctx
	var set *redis.StatusCmd
	var incr *redis.IntCmd
	_, err := c.TxPipelined(ctx, func(p redis.Pipeliner) error {
		set, incr = p.Set(ctx, gk("t"), 1, 0), p.Incr(ctx, gk("t"))
		return nil
	})
	g.is("TxPipelined", []any{err, set.Val(), incr.Val()}, "[<nil> OK 2]")
	err = c.Watch(ctx, func(tx *redis.Tx) error {
		g.is("Set", g.other.Set(ctx, gk("t"), "changed", 0).Err(), nil)
		_, err := tx.TxPipelined(ctx, func(p redis.Pipeliner) error { return p.Set(ctx, gk("t"), "lost", 0).Err() })
		return err
	}, gk("t"))
	g.is("Watch", []any{err, c.Get(ctx, gk("t")).Val()}, []any{redis.TxFailedErr, "changed"})
	p := c.Pipeline()
	for i := range 300 {
		p.Set(ctx, gk(fmt.Sprint("p", i)), i, 0)
		p.Get(ctx, gk(fmt.Sprint("p", i)))
	}
	replies, err := p.Exec(ctx)
	g.is("Pipeline", []any{err, len(replies)}, "[<nil> 600]")
	for i, r := range replies {
		if get, ok := r.(*redis.StringCmd); ok {
			g.is("Get in a pipeline", get.Val(), i/2)
		}
	}
}

func (g goTour) scripts() {
	c, ctx := g.c, g.ctx
	code := "return {redis.call('INCRBY', KEYS[1], ARGV[1]), 'x', {3, false}}"
	g.is("Eval", c.Eval(ctx, code, []string{gk("e")}, 3).Val(), "[3 x [3 <nil>]]")
	g.is("EvalSha", c.EvalSha(ctx, strings.Repeat("0", 40), []string{gk("e")}).Err(), "NOSCRIPT No matching script. Please use EVAL.")
	script := redis.NewScript(code + " -- another text")
	for i := range 2 { // by EVAL, then by its hash
		g.is("Run", script.Run(ctx, c, []string{gk("e")}, 1).Val(), fmt.Sprintf("[%d x [3 <nil>]]", 4+i))
	}
	err := c.Eval(ctx, "return redis.call('LPUSH', KEYS[1], 1)", []string{gk("e")}).Err()
	g.is("an error in a script", redis.HasErrorPrefix(err, "WRONGTYPE"), true)
	library := "#!lua name=gotour\nredis.register_function('go_set', function(keys, args) return redis.call('SET', keys[1], args[1]) end)"
	if one, ok := c.(*redis.ClusterClient); ok {
		err = one.ForEachMaster(ctx, func(ctx context.Context, c *redis.Client) error { return c.FunctionLoadReplace(ctx, library).Err() })
	} else {
		err = c.FunctionLoadReplace(ctx, library).Err()
	}
	g.is("FunctionLoadReplace", err, nil)
	g.is("FCall", c.FCall(ctx, "go_set", []string{gk("fn")}, "v").Val(), "OK")
}

func (g goTour) pubSub() {
	sub := g.other.Subscribe(g.ctx, gk("c1"), gk("c2"))
	defer sub.Close()
	g.is("PSubscribe", sub.PSubscribe(g.ctx, gk("p*")), nil)
	for range 3 { // the answers to both
		_, err := sub.ReceiveTimeout(g.ctx, time.Minute)
		g.is("Receive", err, nil)
	}
	g.is("Publish", g.c.Publish(g.ctx, gk("c1"), "one").Err(), nil)
	g.is("Publish", g.c.Publish(g.ctx, gk("pat"), "two").Err(), nil)
	for _, want := range []*redis.Message{{Channel: gk("c1"), Payload: "one"}, {Channel: gk("pat"), Pattern: gk("p*"), Payload: "two"}} {
		got, err := sub.ReceiveTimeout(g.ctx, time.Minute)
		g.is("a message", []any{got, err}, []any{want, nil})
	}
}

func (g goTour) refusals() {
	c, ctx := g.c, g.ctx
	g.is("Set", c.Set(ctx, gk("str"), "x", 0).Err(), nil)
	g.is("LPush on a string", c.LPush(ctx, gk("str"), 1).Err(), "WRONGTYPE Operation against a key holding the wrong kind of value")
	g.is("Incr of a word", c.Incr(ctx, gk("str")).Err(), "ERR value is not an integer or out of range")
	var refused redis.Error
	err := c.Do(ctx, "FLUHS", gk("x")).Err()
	g.is("an unknown command", errors.As(err, &refused) && strings.HasPrefix(err.Error(), "ERR unknown command 'FLUHS', with args"), true)
}

func (g goTour) databases(third redis.UniversalClient) {
	c, ctx := g.c, g.ctx
	defer third.Close()
	g.is("Set in 3", third.Set(ctx, gk("db"), 3, 0).Err(), nil)
	g.is("Get in 0", c.Get(ctx, gk("db")).Err(), redis.Nil)
	g.is("DBSize", third.DBSize(ctx).Val(), 1)
	g.is("FlushDB", []any{third.FlushDB(ctx).Val(), third.DBSize(ctx).Val()}, "[OK 0]")
	g.is("Ping", c.Ping(ctx).Val(), "PONG")
	g.is("ClientList", strings.Contains(c.ClientList(ctx).Val(), "name=tour"), true)
	commands, err := c.Command(ctx).Result()
	g.is("Command", err, nil)
	g.is("Command's GET", commands["get"] != nil && commands["get"].ReadOnly, true)
}

func same[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
