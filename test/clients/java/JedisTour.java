import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import redis.clients.jedis.AbstractPipeline;
import redis.clients.jedis.AbstractTransaction;
import redis.clients.jedis.DefaultJedisClientConfig;
import redis.clients.jedis.HostAndPort;
import redis.clients.jedis.Jedis;
import redis.clients.jedis.JedisClientConfig;
import redis.clients.jedis.JedisPubSub;
import redis.clients.jedis.RedisClient;
import redis.clients.jedis.RedisClusterClient;
import redis.clients.jedis.RedisProtocol;
import redis.clients.jedis.RedisSentinelClient;
import redis.clients.jedis.Response;
import redis.clients.jedis.ScanIteration;
import redis.clients.jedis.StreamEntryID;
import redis.clients.jedis.UnifiedJedis;
import redis.clients.jedis.args.BitOP;
import redis.clients.jedis.args.ExpiryOption;
import redis.clients.jedis.args.GeoUnit;
import redis.clients.jedis.args.ListDirection;
import redis.clients.jedis.args.ListPosition;
import redis.clients.jedis.params.GeoSearchParam;
import redis.clients.jedis.params.ScanParams;
import redis.clients.jedis.params.SetParams;
import redis.clients.jedis.params.XAddParams;
import redis.clients.jedis.params.XReadParams;
import redis.clients.jedis.params.ZAddParams;
import redis.clients.jedis.params.ZParams;
import redis.clients.jedis.params.ZRangeParams;
import redis.clients.jedis.resps.Tuple;

/** A tour with Jedis: java JedisTour MODE PROTOCOL HOST:PORT... */
public class JedisTour {
  static UnifiedJedis r, other;

  static String k(String name) {
    return "{jedis}:" + name;
  }

  static UnifiedJedis connect(String mode, JedisClientConfig config, Set<HostAndPort> nodes) {
    switch (mode) {
      case "cluster":
        return RedisClusterClient.builder().nodes(nodes).clientConfig(config).build();
      case "sentinel":
        return RedisSentinelClient.builder().masterName("mymaster").sentinels(nodes)
            .sentinelClientConfig(config).clientConfig(config).build();
      default:
        return RedisClient.builder().hostAndPort(nodes.iterator().next()).clientConfig(config).build();
    }
  }

  static void strings() {
    Check.same("set", r.set(k("a"), "x"), "OK");
    Check.same("get", r.get(k("a")), "x");
    Check.same("get of none", r.get(k("none")), null);
    Check.same("set nx", r.set(k("a"), "y", SetParams.setParams().nx()), null);
    Check.same("set xx get", r.setGet(k("a"), "z", SetParams.setParams().xx().ex(100)), "x");
    Check.same("set keepttl", r.set(k("a"), "w", SetParams.setParams().keepTtl()), "OK");
    Check.same("pttl", r.pttl(k("a")) > 1000 && r.pttl(k("a")) <= 100000, true);
    Check.same("incr", List.of(r.incr(k("n")), r.incrBy(k("n"), 5), r.decr(k("n"))), List.of(1L, 6L, 5L));
    Check.same("incrbyfloat", List.of(r.incrByFloat(k("f"), 1.5), r.incrByFloat(k("f"), -0.25)), List.of(1.5, 1.25));
    Check.same("mset", r.mset(k("m1"), "a", k("m2"), "b"), "OK");
    Check.same("mget", r.mget(k("m1"), k("none"), k("m2")), Arrays.asList("a", null, "b"));
    Check.same("append", r.append(k("m1"), "bc"), 3L);
    Check.same("getrange", r.getrange(k("m1"), 1, -1), "bc");
    Check.same("getdel", r.getDel(k("m1")), "abc");
    byte[] bytes = new byte[256];
    for (int i = 0; i < 256; i++) bytes[i] = (byte) i;
    Check.same("binary set", r.set(k("bytes").getBytes(), bytes), "OK");
    Check.same("binary get", Arrays.equals(r.get(k("bytes").getBytes()), bytes), true);
    r.set(k("text"), "żółw 龜");
    Check.same("text", List.of(r.get(k("text")), r.strlen(k("text"))), List.of("żółw 龜", 11L));
  }

  static void keys() throws Exception {
    for (int i = 0; i < 50; i++) r.set(k("scan:" + i), "x");
    Set<String> found = new HashSet<>();
    for (ScanIteration all = r.scanIteration(7, k("scan:*")); !all.isIterationCompleted();) found.addAll(all.nextBatch().getResult());
    Check.same("scan", found.size(), 50);
    Check.same("type", r.type(k("a")), "string");
    Check.same("exists", r.exists(k("a"), k("a"), k("none")), 2L);
    Check.same("rename", r.rename(k("a"), k("b")), "OK");
    Check.same("expire gt", r.expire(k("b"), 50, ExpiryOption.GT), 0L);
    Check.same("persist", List.of(r.persist(k("b")), r.ttl(k("b")), r.ttl(k("none"))), List.of(1L, -1L, -2L));
    Check.same("pexpire", r.pexpire(k("b"), 20), 1L);
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
    Check.same("linsert", r.linsert(k("l"), ListPosition.BEFORE, "c", "bb"), 3L);
    Check.same("lmove", r.lmove(k("l"), k("l2"), ListDirection.LEFT, ListDirection.RIGHT), "b");
    Check.same("lpos", r.lpos(k("l"), "c"), 1L);
    Check.same("blpop of one that is full", r.blpop(1, k("l")), List.of(k("l"), "bb"));
    Check.same("blpop that waits in vain", r.blpop(0.05, k("no")), null);
    CompletableFuture<List<String>> waiting = CompletableFuture.supplyAsync(() -> other.brpop(30, k("q"), k("q2")));
    Thread.sleep(100);
    Check.same("lpush to one who waits", r.lpush(k("q2"), "job"), 1L);
    Check.same("brpop", waiting.get(), List.of(k("q2"), "job"));
    CompletableFuture<Tuple> smallest = CompletableFuture.supplyAsync(() -> other.bzpopmin(30, k("bz")).getValue());
    Thread.sleep(100);
    r.zadd(k("bz"), 1.5, "m");
    Check.same("bzpopmin", smallest.get(), new Tuple("m", 1.5));
  }

  static void hashesAndSets() {
    Check.same("hset", r.hset(k("h"), Map.of("f", "1", "g", "two")), 2L);
    Check.same("hgetall", r.hgetAll(k("h")), Map.of("f", "1", "g", "two"));
    Check.same("hmget", r.hmget(k("h"), "f", "none"), Arrays.asList("1", null));
    Check.same("hincrby", r.hincrBy(k("h"), "f", 4), 5L);
    Check.same("hincrbyfloat", r.hincrByFloat(k("h"), "x", 0.5), 0.5);
    Check.same("hscan", r.hscan(k("h"), "0", new ScanParams()).getResult().size(), 3);
    Check.same("hdel", List.of(r.hdel(k("h"), "f", "none"), r.hlen(k("h"))), List.of(1L, 2L));
    Check.same("sadd", r.sadd(k("s"), "a", "b", "c", "a"), 3L);
    Check.same("smembers", r.smembers(k("s")), Set.of("a", "b", "c"));
    Check.same("smismember", r.smismember(k("s"), "a", "q"), List.of(true, false));
    r.sadd(k("s2"), "b", "c", "d");
    Check.same("sinter", r.sinter(k("s"), k("s2")), Set.of("b", "c"));
    Check.same("sdiffstore", r.sdiffstore(k("s3"), k("s"), k("s2")), 1L);
    Check.same("spop", r.spop(k("s3")), "a");

    Check.same("zadd", r.zadd(k("z"), Map.of("a", 1.0, "b", 2.5, "c", Double.POSITIVE_INFINITY)), 3L);
    Check.same("zadd gt ch", r.zadd(k("z"), Map.of("a", 0.0, "b", 3.25), ZAddParams.zAddParams().gt().ch()), 1L);
    Check.same("zscore", Arrays.asList(r.zscore(k("z"), "b"), r.zscore(k("z"), "none")), Arrays.asList(3.25, null));
    Check.same("zincrby", r.zincrby(k("z"), 0.5, "a"), 1.5);
    Check.same("zrange", r.zrangeWithScores(k("z"), 0, 1), List.of(new Tuple("a", 1.5), new Tuple("b", 3.25)));
    Check.same("zrange byscore", r.zrange(k("z"), ZRangeParams.zrangeByScoreParams(1.6, Double.POSITIVE_INFINITY).limit(0, 1)), List.of("b"));
    Check.same("zrank", List.of(r.zrank(k("z"), "b"), r.zrevrank(k("z"), "c")), List.of(1L, 0L));
    Check.same("zmscore", r.zmscore(k("z"), "a", "none"), Arrays.asList(1.5, null));
    Check.same("zpopmax", r.zpopmax(k("z")), new Tuple("c", Double.POSITIVE_INFINITY));
    r.zadd(k("z2"), 10, "a");
    Check.same("zunion", r.zunionWithScores(new ZParams(), k("z"), k("z2")), List.of(new Tuple("b", 3.25), new Tuple("a", 11.5)));
  }

  static void streamsAndBits() {
    StreamEntryID one = new StreamEntryID(1, 1), two = new StreamEntryID(2, 0);
    Check.same("xadd", r.xadd(k("x"), one, Map.of("f", "v")), one);
    Check.same("xadd maxlen", r.xadd(k("x"), XAddParams.xAddParams().id(two).maxLen(100).approximateTrimming(), Map.of("g", "w")), two);
    Check.same("xrange", r.xrange(k("x"), "-", "+").toString(), "[1-1 {f=v}, 2-0 {g=w}]");
    Check.same("xrevrange", r.xrevrange(k("x"), "+", "-", 1).toString(), "[2-0 {g=w}]");
    Check.same("xread", r.xread(XReadParams.xReadParams().count(5), Map.of(k("x"), one)).toString(), "[" + k("x") + "=[2-0 {g=w}]]");
    Check.same("xread of nothing", r.xread(XReadParams.xReadParams(), Map.of(k("x"), two)), null);
    Check.same("xlen", r.xlen(k("x")), 2L);

    Check.same("setbit", List.of(r.setbit(k("bit"), 7, true), r.setbit(k("bit"), 7, true)), List.of(false, true));
    Check.same("bitcount", r.bitcount(k("bit")), 1L);
    Check.same("bitpos", r.bitpos(k("bit"), true), 7L);
    Check.same("bitfield", r.bitfield(k("bf"), "OVERFLOW", "SAT", "INCRBY", "u8", "#1", "300", "GET", "u8", "0"), List.of(255L, 0L));
    Check.same("bitop", r.bitop(BitOP.NOT, k("bit2"), k("bit")), 1L);
    Check.same("pfadd", List.of(r.pfadd(k("p"), "a", "b", "c"), r.pfadd(k("p"), "a")), List.of(1L, 0L));
    r.pfadd(k("p2"), "d");
    Check.same("pfmerge", r.pfmerge(k("p3"), k("p"), k("p2")), "OK");
    Check.same("pfcount", r.pfcount(k("p3")), 4L);

    r.geoadd(k("g"), 13.361389, 38.115556, "Palermo");
    Check.same("geoadd", r.geoadd(k("g"), 15.087269, 37.502669, "Catania"), 1L);
    Check.same("geodist", r.geodist(k("g"), "Palermo", "Catania", GeoUnit.KM), 166.2742);
    Check.same("geohash", r.geohash(k("g"), "Palermo"), List.of("sqc8b49rny0"));
    List<String> near = new ArrayList<>();
    r.geosearch(k("g"), GeoSearchParam.geoSearchParam().fromLonLat(15, 37).byRadius(200, GeoUnit.KM).asc().withDist())
        .forEach(g -> near.add(g.getMemberByString() + " " + g.getDistance()));
    Check.same("geosearch", near, List.of("Catania 56.4413", "Palermo 190.4424"));
    Check.same("geopos", Math.abs(r.geopos(k("g"), "Palermo").get(0).getLongitude() - 13.361389) < 1e-5, true);
  }

  static void transactions(String mode) {
    List<Response<String>> replies = new ArrayList<>();
    try (AbstractPipeline p = r.pipelined()) {
      for (int i = 0; i < 300; i++) {
        p.set(k("p" + i), "" + i);
        replies.add(p.get(k("p" + i)));
      }
      p.sync();
    }
    for (int i = 0; i < 300; i++) Check.same("pipeline", replies.get(i).get(), "" + i);
    if (mode.equals("cluster")) return; // its client has no transactions
    try (AbstractTransaction t = r.multi()) {
      t.set(k("t"), "1");
      t.incr(k("t"));
      Response<String> got = t.get(k("t"));
      Check.same("multi", t.exec(), List.of("OK", 2L, "2"));
      Check.same("a reply of it", got.get(), "2");
    }
    try (AbstractTransaction t = r.multi()) {
      t.set(k("t"), "w");
      t.incr(k("t"));
      t.get(k("t"));
      List<Object> with = t.exec();
      Check.refused("an error within", () -> { throw (RuntimeException) with.get(1); }, "ERR value is not an integer or out of range");
      Check.same("after the error", with.get(2), "w");
    }
    try (AbstractTransaction t = r.transaction(false)) {
      t.watch(k("t"));
      other.set(k("t"), "changed");
      t.multi();
      t.set(k("t"), "lost");
      Check.same("watch", t.exec(), null);
    }
    Check.same("after it", r.get(k("t")), "changed");
  }

  static void scripts() {
    String script = "return {redis.call('INCRBY', KEYS[1], ARGV[1]), 'x', {3, false}}";
    Check.same("eval", r.eval(script, 1, k("e"), "3"), List.of(3L, "x", Arrays.asList(3L, null)));
    Check.refused("evalsha", () -> r.evalsha("0".repeat(40), 1, k("e")), "NOSCRIPT No matching script");
    String sha = r.scriptLoad(script, k("e"));
    Check.same("by its hash", r.evalsha(sha, 1, k("e"), "4"), List.of(7L, "x", Arrays.asList(3L, null)));
    Check.refused("an error in a script", () -> r.eval("return redis.call('LPUSH', KEYS[1], 1)", 1, k("e")), "WRONGTYPE");
    String library = "#!lua name=jedistour\nredis.register_function('jedis_set', function(keys, args) return redis.call('SET', keys[1], args[1]) end)";
    Check.same("function load", r.functionLoadReplace(library), "jedistour");
    Check.same("fcall", r.fcall("jedis_set", List.of(k("fn")), List.of("v")), "OK");
  }

  static void pubsub() throws Exception {
    CountDownLatch subscribed = new CountDownLatch(3);
    List<String> heard = new CopyOnWriteArrayList<>();
    JedisPubSub sub = new JedisPubSub() {
      public void onSubscribe(String channel, int n) {
        if (subscribed.getCount() == 2) psubscribe(k("p*"));
        subscribed.countDown();
      }
      public void onPSubscribe(String pattern, int n) { subscribed.countDown(); }
      public void onMessage(String channel, String message) { heard.add(channel + " " + message); }
      public void onPMessage(String pattern, String channel, String message) { heard.add(pattern + " " + channel + " " + message); }
    };
    CompletableFuture<Void> done = CompletableFuture.runAsync(() -> other.subscribe(sub, k("c1"), k("c2")));
    Check.until("subscribed", () -> subscribed.getCount() == 0);
    r.publish(k("c1"), "one");
    r.publish(k("pat"), "two");
    Check.until("messages", () -> heard.size() >= 2);
    Check.same("messages", heard, List.of(k("c1") + " one", k("p*") + " " + k("pat") + " two"));
    sub.unsubscribe();
    sub.punsubscribe();
    done.get();
  }

  static void errors() {
    r.set(k("str"), "x");
    Check.refused("wrong type", () -> r.lpush(k("str"), "1"), "WRONGTYPE Operation against a key holding the wrong kind of value");
    Check.refused("not a number", () -> r.incr(k("str")), "ERR value is not an integer or out of range");
    Check.refused("unknown", () -> r.sendCommand(() -> "FLUHS".getBytes(), k("x")), "ERR unknown command 'FLUHS', with args beginning with: ");
    Check.refused("arguments", () -> r.sendCommand(() -> "GET".getBytes(), k("x"), "y"), "ERR wrong number of arguments for 'get' command");
  }

  // The classic class, one connection, which is in RESP2 unless told.
  static void databases(HostAndPort node, JedisClientConfig config) {
    try (Jedis one = new Jedis(node, config)) {
      Check.same("select", one.select(3), "OK");
      one.set(k("db"), "3");
      Check.same("db 3", Arrays.asList(r.get(k("db")), one.get(k("db")), one.dbSize()), Arrays.asList(null, "3", 1L));
      Check.same("flushdb", List.of(one.flushDB(), one.dbSize()), List.of("OK", 0L));
      Check.same("ping", List.of(one.ping(), one.ping("hi")), List.of("PONG", "hi"));
      Check.same("client list", one.clientList().contains("name=tour"), true);
      Check.same("info", one.info("replication").contains("role:"), true);
    }
  }

  public static void main(String[] args) {
    Check.tour(() -> {
      JedisClientConfig config = DefaultJedisClientConfig.builder().clientName("tour").timeoutMillis(20000)
          .protocol(args[1].equals("3") ? RedisProtocol.RESP3 : RedisProtocol.RESP2).build();
      Set<HostAndPort> nodes = new HashSet<>();
      for (String a : Arrays.asList(args).subList(2, args.length)) nodes.add(HostAndPort.from(a));
      r = connect(args[0], config, nodes);
      other = connect(args[0], config, nodes);
      strings();
      keys();
      lists();
      hashesAndSets();
      streamsAndBits();
      transactions(args[0]);
      scripts();
      errors();
      if (args[0].equals("plain")) databases(nodes.iterator().next(), config);
      pubsub();
      r.close();
      other.close();
    });
  }
}
