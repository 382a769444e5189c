import io.lettuce.core.AbstractRedisClient;
import io.lettuce.core.BitFieldArgs;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.ExpireArgs;
import io.lettuce.core.GeoArgs;
import io.lettuce.core.GeoSearch;
import io.lettuce.core.KeyValue;
import io.lettuce.core.LMoveArgs;
import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.RedisURI;
import io.lettuce.core.ScanArgs;
import io.lettuce.core.ScanIterator;
import io.lettuce.core.ScoredValue;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.SetArgs;
import io.lettuce.core.TransactionResult;
import io.lettuce.core.Value;
import io.lettuce.core.XAddArgs;
import io.lettuce.core.XReadArgs;
import io.lettuce.core.ZAddArgs;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.cluster.ClusterClientOptions;
import io.lettuce.core.cluster.RedisClusterClient;
import io.lettuce.core.cluster.api.async.RedisClusterAsyncCommands;
import io.lettuce.core.cluster.api.sync.RedisClusterCommands;
import io.lettuce.core.codec.ByteArrayCodec;
import io.lettuce.core.protocol.ProtocolVersion;
import io.lettuce.core.pubsub.RedisPubSubAdapter;
import io.lettuce.core.pubsub.StatefulRedisPubSubConnection;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;

/** A tour with Lettuce: java LettuceTour MODE PROTOCOL HOST:PORT... */
public class LettuceTour {
  static RedisClusterCommands<String, String> r, other;
  static RedisClusterAsyncCommands<String, String> async;
  static RedisClusterCommands<byte[], byte[]> raw;
  static StatefulRedisPubSubConnection<String, String> sub;
  static StatefulRedisConnection<String, String> single; // null with Cluster

  static String k(String name) {
    return "{lettuce}:" + name;
  }

  static AbstractRedisClient connect(String mode, ProtocolVersion protocol, List<RedisURI> nodes) {
    if (mode.equals("cluster")) {
      RedisClusterClient c = RedisClusterClient.create(nodes);
      c.setOptions(ClusterClientOptions.builder().protocolVersion(protocol).build());
      var one = c.connect();
      r = one.sync();
      async = one.async();
      other = c.connect().sync();
      raw = c.connect(ByteArrayCodec.INSTANCE).sync();
      sub = c.connectPubSub();
      return c;
    }
    RedisURI uri = nodes.get(0);
    if (mode.equals("sentinel")) {
      RedisURI.Builder b = RedisURI.builder().withSentinelMasterId("mymaster");
      for (RedisURI n : nodes) b.withSentinel(n);
      uri = b.build();
    }
    uri.setClientName("tour");
    RedisClient c = RedisClient.create(uri);
    c.setOptions(ClientOptions.builder().protocolVersion(protocol).build());
    single = c.connect();
    r = single.sync();
    async = single.async();
    other = c.connect().sync();
    raw = c.connect(ByteArrayCodec.INSTANCE).sync();
    sub = c.connectPubSub();
    return c;
  }

  static void strings() {
    Check.same("set", r.set(k("a"), "x"), "OK");
    Check.same("get", r.get(k("a")), "x");
    Check.same("get of none", r.get(k("none")), null);
    Check.same("set nx", r.set(k("a"), "y", SetArgs.Builder.nx()), null);
    Check.same("set xx get", r.setGet(k("a"), "z", SetArgs.Builder.xx().ex(100)), "x");
    Check.same("set keepttl", r.set(k("a"), "w", SetArgs.Builder.keepttl()), "OK");
    Check.same("pttl", r.pttl(k("a")) > 1000 && r.pttl(k("a")) <= 100000, true);
    Check.same("incr", List.of(r.incr(k("n")), r.incrby(k("n"), 5), r.decr(k("n"))), List.of(1L, 6L, 5L));
    Check.same("incrbyfloat", List.of(r.incrbyfloat(k("f"), 1.5), r.incrbyfloat(k("f"), -0.25)), List.of(1.5, 1.25));
    Check.same("mset", r.mset(Map.of(k("m1"), "a", k("m2"), "b")), "OK");
    Check.same("mget", r.mget(k("m1"), k("none"), k("m2")), List.of(KeyValue.just(k("m1"), "a"), KeyValue.empty(k("none")), KeyValue.just(k("m2"), "b")));
    Check.same("append", r.append(k("m1"), "bc"), 3L);
    Check.same("getrange", r.getrange(k("m1"), 1, -1), "bc");
    Check.same("getdel", r.getdel(k("m1")), "abc");
    byte[] bytes = new byte[256];
    for (int i = 0; i < 256; i++) bytes[i] = (byte) i;
    Check.same("binary set", raw.set(k("bytes").getBytes(), bytes), "OK");
    Check.same("binary get", Arrays.equals(raw.get(k("bytes").getBytes()), bytes), true);
    r.set(k("text"), "żółw 龜");
    Check.same("text", List.of(r.get(k("text")), r.strlen(k("text"))), List.of("żółw 龜", 11L));
  }

  static void keys() throws Exception {
    for (int i = 0; i < 50; i++) r.set(k("scan:" + i), "x");
    Set<String> found = new HashSet<>();
    ScanIterator.scan(r, ScanArgs.Builder.matches(k("scan:*")).limit(7)).forEachRemaining(found::add);
    Check.same("scan", found.size(), 50);
    Check.same("type", r.type(k("a")), "string");
    Check.same("exists", r.exists(k("a"), k("a"), k("none")), 2L);
    Check.same("rename", r.rename(k("a"), k("b")), "OK");
    Check.same("expire gt", r.expire(k("b"), 50, ExpireArgs.Builder.gt()), false);
    Check.same("persist", List.of(r.persist(k("b")), r.ttl(k("b")), r.ttl(k("none"))), List.of(true, -1L, -2L));
    Check.same("pexpire", r.pexpire(k("b"), 20), true);
    Thread.sleep(60);
    Check.same("expired", r.get(k("b")), null);
    Check.same("del", r.del(k("text"), k("none")), 1L);
    Check.same("unlink", r.unlink(k("m2")), 1L);
  }

  static void lists() throws Exception {
    Check.same("rpush", r.rpush(k("l"), "a", "b", "c"), 3L);
    Check.same("lpush", r.lpush(k("l"), "z"), 4L);
    Check.same("lrange", r.lrange(k("l"), 0, -1), List.of("z", "a", "b", "c"));
    Check.same("lpop count", r.lpop(k("l"), 2), List.of("z", "a"));
    Check.same("linsert", r.linsert(k("l"), true, "c", "bb"), 3L);
    Check.same("lmove", r.lmove(k("l"), k("l2"), LMoveArgs.Builder.leftRight()), "b");
    Check.same("lpos", r.lpos(k("l"), "c"), 1L);
    Check.same("blpop of one that is full", r.blpop(1, k("l")), KeyValue.just(k("l"), "bb"));
    Check.same("blpop that waits in vain", r.blpop(0.05, k("no")), null);
    var waiting = CompletableFuture.supplyAsync(() -> other.brpop(30, k("q"), k("q2")));
    Thread.sleep(100);
    Check.same("lpush to one who waits", r.lpush(k("q2"), "job"), 1L);
    Check.same("brpop", waiting.get(), KeyValue.just(k("q2"), "job"));
    var smallest = CompletableFuture.supplyAsync(() -> other.bzpopmin(30, k("bz")));
    Thread.sleep(100);
    r.zadd(k("bz"), 1.5, "m");
    Check.same("bzpopmin", smallest.get(), KeyValue.just(k("bz"), ScoredValue.just(1.5, "m")));
  }

  static void hashesAndSets() {
    Check.same("hset", r.hset(k("h"), Map.of("f", "1", "g", "two")), 2L);
    Check.same("hgetall", r.hgetall(k("h")), Map.of("f", "1", "g", "two"));
    Check.same("hmget", r.hmget(k("h"), "f", "none"), List.of(KeyValue.just("f", "1"), KeyValue.empty("none")));
    Check.same("hincrby", r.hincrby(k("h"), "f", 4), 5L);
    Check.same("hincrbyfloat", r.hincrbyfloat(k("h"), "x", 0.5), 0.5);
    Check.same("hscan", r.hscan(k("h")).getMap().size(), 3);
    Check.same("hdel", List.of(r.hdel(k("h"), "f", "none"), r.hlen(k("h"))), List.of(1L, 2L));
    Check.same("sadd", r.sadd(k("s"), "a", "b", "c", "a"), 3L);
    Check.same("smembers", r.smembers(k("s")), Set.of("a", "b", "c"));
    Check.same("smismember", r.smismember(k("s"), "a", "q"), List.of(true, false));
    r.sadd(k("s2"), "b", "c", "d");
    Check.same("sinter", r.sinter(k("s"), k("s2")), Set.of("b", "c"));
    Check.same("sdiffstore", r.sdiffstore(k("s3"), k("s"), k("s2")), 1L);
    Check.same("spop", r.spop(k("s3")), "a");

    var a = ScoredValue.just(1.5, "a");
    var b = ScoredValue.just(3.25, "b");
    Check.same("zadd", r.zadd(k("z"), 1.0, "a", 2.5, "b", Double.POSITIVE_INFINITY, "c"), 3L);
    Check.same("zadd gt ch", r.zadd(k("z"), ZAddArgs.Builder.gt().ch(), 0.0, "a", 3.25, "b"), 1L);
    Check.same("zscore", Arrays.asList(r.zscore(k("z"), "b"), r.zscore(k("z"), "none")), Arrays.asList(3.25, null));
    Check.same("zincrby", r.zincrby(k("z"), 0.5, "a"), 1.5);
    Check.same("zrange", r.zrangeWithScores(k("z"), 0, 1), List.of(a, b));
    Check.same("zrange byscore", r.zrangebyscore(k("z"), Range.from(Range.Boundary.excluding(1.5), Range.Boundary.unbounded()), Limit.create(0, 1)), List.of("b"));
    Check.same("zrank", List.of(r.zrank(k("z"), "b"), r.zrevrank(k("z"), "c")), List.of(1L, 0L));
    Check.same("zmscore", r.zmscore(k("z"), "a", "none"), Arrays.asList(1.5, null));
    Check.same("zpopmax", r.zpopmax(k("z")), ScoredValue.just(Double.POSITIVE_INFINITY, "c"));
    r.zadd(k("z2"), 10, "a");
    Check.same("zunion", r.zunionWithScores(k("z"), k("z2")), List.of(b, ScoredValue.just(11.5, "a")));
  }

  static void streamsAndBits() {
    Check.same("xadd", r.xadd(k("x"), XAddArgs.Builder.maxlen(100).id("1-1"), Map.of("f", "v")), "1-1");
    Check.same("xadd maxlen", r.xadd(k("x"), XAddArgs.Builder.maxlen(100).approximateTrimming().id("2-0"), Map.of("g", "w")), "2-0");
    List<String> entries = new ArrayList<>();
    r.xrange(k("x"), Range.unbounded()).forEach(m -> entries.add(m.getId() + m.getBody()));
    r.xrevrange(k("x"), Range.unbounded(), Limit.from(1)).forEach(m -> entries.add(m.getId() + m.getBody()));
    r.xread(XReadArgs.Builder.count(5), XReadArgs.StreamOffset.from(k("x"), "1-1")).forEach(m -> entries.add(m.getStream() + m.getId() + m.getBody()));
    Check.same("streams", entries, List.of("1-1{f=v}", "2-0{g=w}", "2-0{g=w}", k("x") + "2-0{g=w}"));
    Check.same("xread of nothing", r.xread(XReadArgs.StreamOffset.from(k("x"), "2-0")), List.of());
    Check.same("xlen", r.xlen(k("x")), 2L);

    Check.same("setbit", List.of(r.setbit(k("bit"), 7, 1), r.setbit(k("bit"), 7, 1)), List.of(0L, 1L));
    Check.same("bitcount", r.bitcount(k("bit")), 1L);
    Check.same("bitpos", r.bitpos(k("bit"), true), 7L);
    Check.same("bitfield", r.bitfield(k("bf"), BitFieldArgs.Builder.overflow(BitFieldArgs.OverflowType.SAT)
        .incrBy(BitFieldArgs.unsigned(8), BitFieldArgs.typeWidthBasedOffset(1), 300).get(BitFieldArgs.unsigned(8), 0)), List.of(255L, 0L));
    Check.same("bitop", r.bitopNot(k("bit2"), k("bit")), 1L);
    Check.same("pfadd", List.of(r.pfadd(k("p"), "a", "b", "c"), r.pfadd(k("p"), "a")), List.of(1L, 0L));
    r.pfadd(k("p2"), "d");
    Check.same("pfmerge", r.pfmerge(k("p3"), k("p"), k("p2")), "OK");
    Check.same("pfcount", r.pfcount(k("p3")), 4L);

    Check.same("geoadd", r.geoadd(k("g"), 13.361389, 38.115556, "Palermo", 15.087269, 37.502669, "Catania"), 2L);
    Check.same("geodist", r.geodist(k("g"), "Palermo", "Catania", GeoArgs.Unit.km), 166.2742);
    Check.same("geohash", r.geohash(k("g"), "Palermo"), List.of(Value.just("sqc8b49rny0")));
    List<String> near = new ArrayList<>();
    r.geosearch(k("g"), GeoSearch.fromCoordinates(15, 37), GeoSearch.byRadius(200, GeoArgs.Unit.km), new GeoArgs().withDistance().asc())
        .forEach(g -> near.add(g.getMember() + " " + g.getDistance()));
    Check.same("geosearch", near, List.of("Catania 56.4413", "Palermo 190.4424"));
    Check.same("geopos", Math.abs(r.geopos(k("g"), "Palermo").get(0).getX().doubleValue() - 13.361389) < 1e-5, true);
  }

  /** Its Cluster connections have no transactions; all of them pipeline by themselves. */
  static void transactions() throws Exception {
    List<RedisFuture<String>> replies = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      async.set(k("p" + i), "" + i);
      replies.add(async.get(k("p" + i)));
    }
    for (int i = 0; i < 300; i++) Check.same("pipeline", replies.get(i).get(), "" + i);
    if (single == null) return;
    RedisCommands<String, String> c = single.sync();
    c.multi();
    c.set(k("t"), "1");
    c.incr(k("t"));
    c.get(k("t"));
    Check.same("multi", c.exec().stream().toList(), List.of("OK", 2L, "2"));
    c.multi();
    c.set(k("t"), "w");
    c.incr(k("t"));
    TransactionResult with = c.exec();
    Check.refused("an error within", () -> { throw (Exception) with.get(1); }, "ERR value is not an integer or out of range");
    c.watch(k("t"));
    other.set(k("t"), "changed");
    c.multi();
    c.set(k("t"), "lost");
    Check.same("watch", c.exec().wasDiscarded(), true);
    Check.same("after it", r.get(k("t")), "changed");
  }

  static void scripts() {
    String script = "return {redis.call('INCRBY', KEYS[1], ARGV[1]), 'x', {3, false}}";
    String[] e = {k("e")};
    Check.same("eval", r.eval(script, ScriptOutputType.MULTI, e, "3"), List.of(3L, "x", Arrays.asList(3L, null)));
    Check.refused("evalsha", () -> r.evalsha("0".repeat(40), ScriptOutputType.MULTI, e), "NOSCRIPT No matching script");
    Check.same("by its hash", r.evalsha(r.scriptLoad(script), ScriptOutputType.MULTI, e, "4"), List.of(7L, "x", Arrays.asList(3L, null)));
    Check.refused("an error in a script", () -> r.eval("return redis.call('LPUSH', KEYS[1], 1)", ScriptOutputType.VALUE, e), "WRONGTYPE");
    String library = "#!lua name=lettucetour\nredis.register_function('lettuce_set', function(keys, args) return redis.call('SET', keys[1], args[1]) end)";
    Check.same("function load", r.functionLoad(library, true), "lettucetour");
    Check.same("fcall", r.fcall("lettuce_set", ScriptOutputType.STATUS, new String[] {k("fn")}, "v"), "OK");
  }

  static void pubsub() throws Exception {
    List<String> heard = new CopyOnWriteArrayList<>();
    sub.addListener(new RedisPubSubAdapter<String, String>() {
      @Override public void message(String channel, String message) { heard.add(channel + " " + message); }
      @Override public void message(String pattern, String channel, String message) { heard.add(pattern + " " + channel + " " + message); }
    });
    sub.sync().subscribe(k("c1"), k("c2"));
    sub.sync().psubscribe(k("p*"));
    r.publish(k("c1"), "one");
    r.publish(k("pat"), "two");
    Check.until("messages", () -> heard.size() >= 2);
    Check.same("messages", heard, List.of(k("c1") + " one", k("p*") + " " + k("pat") + " two"));
    sub.sync().unsubscribe(k("c1"), k("c2"));
    sub.sync().punsubscribe(k("p*"));
  }

  static void errors() {
    r.set(k("str"), "x");
    Check.refused("wrong type", () -> r.lpush(k("str"), "1"), "WRONGTYPE Operation against a key holding the wrong kind of value");
    Check.refused("not a number", () -> r.incr(k("str")), "ERR value is not an integer or out of range");
  }

  static void databases(RedisCommands<String, String> other) {
    Check.same("select", other.select(3), "OK");
    other.set(k("db"), "3");
    Check.same("db 3", Arrays.asList(r.get(k("db")), other.get(k("db")), other.dbsize()), Arrays.asList(null, "3", 1L));
    Check.same("flushdb", List.of(other.flushdb(), other.dbsize(), other.select(0)), List.of("OK", 0L, "OK"));
    Check.same("ping", r.ping(), "PONG");
    Check.same("client list", r.clientList().contains("name=tour"), true);
    Check.same("info", r.info("replication").contains("role:"), true);
  }

  public static void main(String[] args) {
    Check.tour(() -> {
      List<RedisURI> nodes = new ArrayList<>();
      for (String a : Arrays.asList(args).subList(2, args.length)) nodes.add(RedisURI.create("redis://" + a));
      connect(args[0], args[1].equals("3") ? ProtocolVersion.RESP3 : ProtocolVersion.RESP2, nodes);
      strings();
      keys();
      lists();
      hashesAndSets();
      streamsAndBits();
      transactions();
      scripts();
      errors();
      if (single != null) databases((RedisCommands<String, String>) other);
      pubsub();
    });
  }
}
