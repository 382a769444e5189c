'use strict';
// A tour with ioredis: node ioredis.js MODE PROTOCOL HOST:PORT...
const Redis = require('ioredis');
const { same, refused, sleep, until, tour } = require('./check');

const k = (name) => `{io}:${name}`;

function connect(mode, protocol, nodes, more = {}) {
  // The second reply mapping shows what RESP3 makes of maps and doubles.
  const options = { protocol, connectionName: 'tour', ...(protocol === 3 && { replyMapping: 'resp3' }), ...more };
  let c;
  if (mode === 'cluster') c = new Redis.Cluster(nodes, { redisOptions: options });
  else if (mode === 'sentinel') c = new Redis({ sentinels: nodes, name: 'mymaster', ...options });
  else c = new Redis({ ...nodes[0], ...options });
  c.on('error', (e) => { throw e; });
  return c;
}

async function strings(r) {
  same('set', await r.set(k('a'), 'x'), 'OK');
  same('get', await r.get(k('a')), 'x');
  same('get of none', await r.get(k('none')), null);
  same('set nx', await r.set(k('a'), 'y', 'NX'), null);
  same('set xx get', await r.set(k('a'), 'z', 'EX', 100, 'XX', 'GET'), 'x');
  same('set keepttl', await r.set(k('a'), 'w', 'KEEPTTL'), 'OK');
  const ttl = await r.pttl(k('a'));
  same('pttl', ttl > 1000 && ttl <= 100000, true);
  same('incr', [await r.incr(k('n')), await r.incrby(k('n'), 5), await r.decr(k('n'))], [1, 6, 5]);
  same('incrbyfloat', await r.incrbyfloat(k('f'), 1.5), '1.5');
  same('incrbyfloat -', await r.incrbyfloat(k('f'), -0.25), '1.25');
  same('mset', await r.mset({ [k('m1')]: 'a', [k('m2')]: 'b' }), 'OK');
  same('mget', await r.mget(k('m1'), k('none'), k('m2')), ['a', null, 'b']);
  same('append', await r.append(k('m1'), 'bc'), 3);
  same('getrange', await r.getrange(k('m1'), 1, -1), 'bc');
  same('getdel', await r.getdel(k('m1')), 'abc');
  const bytes = Buffer.from([...Array(256).keys()]);
  same('binary set', await r.set(k('bytes'), bytes), 'OK');
  same('binary get', await r.getBuffer(k('bytes')), bytes);
  same('binary key', await r.set(Buffer.from([0x7b, 0x69, 0x6f, 0x7d, 0xff, 0, 13, 10]), 'v'), 'OK');
  same('text', [await r.set(k('text'), 'żółw 龜'), await r.get(k('text')), await r.strlen(k('text'))], ['OK', 'żółw 龜', 11]);
}

async function keys(r, mode) {
  for (let i = 0; i < 50; i++) await r.set(k(`scan:${i}`), i);
  const found = new Set();
  const node = mode === 'cluster' ? r.nodes('master')[0] : r;
  for await (const some of node.scanStream({ match: k('scan:*'), count: 7 })) some.forEach((key) => found.add(key));
  same('scan', found.size, 50);
  same('type', await r.type(k('a')), 'string');
  same('exists', await r.exists(k('a'), k('a'), k('none')), 2);
  same('rename', await r.rename(k('a'), k('b')), 'OK');
  same('expire gt', await r.expire(k('b'), 50, 'GT'), 0);
  same('persist', [await r.persist(k('b')), await r.ttl(k('b')), await r.ttl(k('none'))], [1, -1, -2]);
  same('pexpire', await r.pexpire(k('b'), 20), 1);
  await sleep(60);
  same('expired', await r.get(k('b')), null);
  same('del', await r.del(k('text'), k('none')), 1);
  same('unlink', await r.unlink(k('m2')), 1);
}

async function lists(r, other) {
  same('rpush', await r.rpush(k('l'), 'a', 'b', 'c'), 3);
  same('lpush', await r.lpush(k('l'), 'z'), 4);
  same('lrange', await r.lrange(k('l'), 0, -1), ['z', 'a', 'b', 'c']);
  same('lpop count', await r.lpop(k('l'), 2), ['z', 'a']);
  same('linsert', await r.linsert(k('l'), 'BEFORE', 'c', 'bb'), 3);
  same('lmove', await r.lmove(k('l'), k('l2'), 'LEFT', 'RIGHT'), 'b');
  same('lpos', await r.lpos(k('l'), 'c'), 1);
  same('blpop of one that is full', await r.blpop(k('l'), 1), [k('l'), 'bb']);
  same('blpop that waits in vain', await r.blpop(k('no'), 0.05), null);
  const waiting = other.brpop(k('q'), k('q2'), 30);
  await sleep(100);
  same('lpush to one who waits', await r.lpush(k('q2'), 'job'), 1);
  same('brpop', await waiting, [k('q2'), 'job']);
  const smallest = other.bzpopmin(k('bz'), 30);
  await sleep(100);
  await r.zadd(k('bz'), 1.5, 'm');
  same('bzpopmin', (await smallest).map(String), [k('bz'), 'm', '1.5']);
}

async function hashesAndSets(r, protocol) {
  same('hset', await r.hset(k('h'), { f: 1, g: 'two' }), 2);
  same('hgetall', await r.hgetall(k('h')), { f: '1', g: 'two' });
  same('hmget', await r.hmget(k('h'), 'f', 'none'), ['1', null]);
  same('hincrby', await r.hincrby(k('h'), 'f', 4), 5);
  same('hincrbyfloat', await r.hincrbyfloat(k('h'), 'x', 0.5), '0.5');
  same('hscan', (await r.hscan(k('h'), 0))[1].length, 6);
  same('hdel', [await r.hdel(k('h'), 'f', 'none'), await r.hlen(k('h'))], [1, 2]);
  same('sadd', await r.sadd(k('s'), 'a', 'b', 'c', 'a'), 3);
  same('smembers', (await r.smembers(k('s'))).sort(), ['a', 'b', 'c']);
  same('smismember', await r.smismember(k('s'), 'a', 'q'), [1, 0]);
  await r.sadd(k('s2'), 'b', 'c', 'd');
  same('sinter', (await r.sinter(k('s'), k('s2'))).sort(), ['b', 'c']);
  same('sdiffstore', await r.sdiffstore(k('s3'), k('s'), k('s2')), 1);
  same('spop', await r.spop(k('s3')), 'a');

  const score = (n) => (protocol === 3 ? n : String(n));
  const pairs = (...list) => (protocol === 3 ? list : list.flat());
  same('zadd', await r.zadd(k('z'), 1, 'a', 2.5, 'b', '+inf', 'c'), 3);
  same('zadd gt ch', await r.zadd(k('z'), 'GT', 'CH', 0, 'a', 3.25, 'b'), 1);
  same('zscore', await r.zscore(k('z'), 'b'), score(3.25));
  same('zincrby', await r.zincrby(k('z'), 0.5, 'a'), score(1.5));
  same('zrange', await r.zrange(k('z'), 0, 1, 'WITHSCORES'), pairs(['a', score(1.5)], ['b', score(3.25)]));
  same('zrange byscore', await r.zrange(k('z'), '(1.5', '+inf', 'BYSCORE', 'LIMIT', 0, 1), ['b']);
  same('zrank', [await r.zrank(k('z'), 'b'), await r.zrevrank(k('z'), 'c')], [1, 0]);
  same('zmscore', await r.zmscore(k('z'), 'a', 'none'), [score(1.5), null]);
  same('zpopmax', await r.zpopmax(k('z')), [protocol === 3 ? 'c' : 'c', protocol === 3 ? Infinity : 'inf']);
  await r.zadd(k('z2'), 10, 'a');
  same('zunion', await r.zunion(2, k('z'), k('z2'), 'WITHSCORES'), pairs(['b', score(3.25)], ['a', score(11.5)]));
}

async function streamsAndBits(r, protocol) {
  same('xadd', await r.xadd(k('x'), '1-1', 'f', 'v'), '1-1');
  same('xadd maxlen', await r.xadd(k('x'), 'MAXLEN', '~', 100, '2-0', 'g', 'w'), '2-0');
  same('xrange', await r.xrange(k('x'), '-', '+'), [['1-1', ['f', 'v']], ['2-0', ['g', 'w']]]);
  same('xrevrange', await r.xrevrange(k('x'), '+', '-', 'COUNT', 1), [['2-0', ['g', 'w']]]);
  const read = await r.xread('COUNT', 5, 'STREAMS', k('x'), '1-1');
  const entries = [['2-0', ['g', 'w']]];
  same('xread', read, protocol === 3 ? { [k('x')]: entries } : [[k('x'), entries]]);
  same('xlen', await r.xlen(k('x')), 2);

  same('setbit', [await r.setbit(k('bit'), 7, 1), await r.setbit(k('bit'), 7, 1)], [0, 1]);
  same('bitcount', await r.bitcount(k('bit')), 1);
  same('bitpos', await r.bitpos(k('bit'), 1), 7);
  same('bitfield', await r.bitfield(k('bf'), 'OVERFLOW', 'SAT', 'INCRBY', 'u8', '#1', 300, 'GET', 'u8', 0), [255, 0]);
  same('bitop', await r.bitop('NOT', k('bit2'), k('bit')), 1);
  same('pfadd', [await r.pfadd(k('p'), 'a', 'b', 'c'), await r.pfadd(k('p'), 'a')], [1, 0]);
  same('pfmerge', [await r.pfadd(k('p2'), 'd'), await r.pfmerge(k('p3'), k('p'), k('p2'))], [1, 'OK']);
  same('pfcount', await r.pfcount(k('p3')), 4);

  same('geoadd', await r.geoadd(k('g'), 13.361389, 38.115556, 'Palermo', 15.087269, 37.502669, 'Catania'), 2);
  same('geodist', await r.geodist(k('g'), 'Palermo', 'Catania', 'km'), '166.2742');
  same('geohash', await r.geohash(k('g'), 'Palermo'), ['sqc8b49rny0']);
  same('geosearch', await r.geosearch(k('g'), 'FROMLONLAT', 15, 37, 'BYRADIUS', 200, 'km', 'ASC', 'WITHDIST'),
    [['Catania', '56.4413'], ['Palermo', '190.4424']]);
  const [[longitude]] = await r.geopos(k('g'), 'Palermo');
  same('geopos', Math.abs(Number(longitude) - 13.361389) < 1e-5, true);
}

async function transactions(r, other) {
  same('multi', await r.multi().set(k('t'), 1).incr(k('t')).get(k('t')).exec(), [[null, 'OK'], [null, 2], [null, '2']]);
  const [, [wrong], [, last]] = await r.multi().set(k('t'), 'w').incr(k('t')).get(k('t')).exec();
  same('an error within', [wrong.message, last], ['ERR value is not an integer or out of range', 'w']);
  await r.watch(k('t'));
  await other.set(k('t'), 'changed');
  same('watch', await r.multi().set(k('t'), 'lost').exec(), null);
  same('after it', await r.get(k('t')), 'changed');
  const p = r.pipeline();
  for (let i = 0; i < 300; i++) p.set(k(`p${i}`), i).get(k(`p${i}`));
  const replies = await p.exec();
  same('pipeline', replies.filter(([e, v], i) => e || v !== (i % 2 ? String((i - 1) / 2) : 'OK')), []);
}

async function scripts(r, mode) {
  const script = "return {redis.call('INCRBY', KEYS[1], ARGV[1]), 'x', {3, false}}";
  same('eval', await r.eval(script, 1, k('e'), 3), [3, 'x', [3, null]]);
  await refused('evalsha', r.evalsha('0'.repeat(40), 0), 'NOSCRIPT No matching script');
  r.defineCommand('tourAdd', { numberOfKeys: 1, lua: `${script} -- ${Math.random()}` });
  same('a command of its own', await r.tourAdd(k('e'), 4), [7, 'x', [3, null]]);
  same('by its hash', await r.tourAdd(k('e'), 5), [12, 'x', [3, null]]);
  await refused('an error in a script', r.eval("return redis.call('LPUSH', KEYS[1], 1)", 1, k('e')), 'WRONGTYPE');
  const library = "#!lua name=iotour\nredis.register_function('io_set', function(keys, args) return redis.call('SET', keys[1], args[1]) end)";
  const node = mode === 'cluster' ? r.nodes('master')[0] : r;
  same('function load', await node.function('LOAD', 'REPLACE', library), 'iotour');
  same('fcall', await r.fcall('io_set', 1, k('fn'), 'v'), 'OK');
}

async function pubsub(r, sub) {
  const heard = [];
  sub.on('message', (channel, message) => heard.push([channel, message]));
  sub.on('pmessage', (pattern, channel, message) => heard.push([pattern, channel, message]));
  same('subscribe', await sub.subscribe(k('c1'), k('c2')), 2);
  same('psubscribe', await sub.psubscribe(k('p*')), 3);
  await r.publish(k('c1'), 'one');
  await r.publish(k('pat'), 'two');
  await until('messages', () => heard.length >= 2);
  same('messages', heard, [[k('c1'), 'one'], [k('p*'), k('pat'), 'two']]);
  same('unsubscribe', await sub.unsubscribe(k('c1'), k('c2')), 1);
  same('punsubscribe', await sub.punsubscribe(), 0);
}

async function errors(r) {
  await r.set(k('str'), 'x');
  await refused('wrong type', r.lpush(k('str'), 1), 'WRONGTYPE Operation against a key holding the wrong kind of value');
  await refused('not a number', r.incr(k('str')), 'ERR value is not an integer or out of range');
  await refused('unknown', r.call('FLUHS', k('x')), "ERR unknown command 'FLUHS', with args beginning with: ");
  await refused('arguments', r.call('GET', k('x'), 'y'), "ERR wrong number of arguments for 'get' command");
  const m = r.multi();
  m.set(k('str'), 'y').call('FLUHS');
  await refused('a transaction with an error', m.exec(), 'EXECABORT Transaction discarded because of previous errors.');
}

async function databases(r, other, protocol) {
  same('select', await other.select(3), 'OK');
  same('db 3', [await other.set(k('db'), '3'), await r.get(k('db')), await other.get(k('db')), await other.dbsize()], ['OK', null, '3', 1]);
  same('flushdb', [await other.flushdb(), await other.dbsize(), await other.select(0)], ['OK', 0, 'OK']);
  same('ping', [await r.ping(), await r.ping('hi')], ['PONG', 'hi']);
  same('client list', (await r.client('LIST')).includes('name=tour'), true);
  const hello = await r.call('HELLO', protocol);
  same('hello', protocol === 3 ? hello.proto : hello[hello.indexOf('proto') + 1], protocol);
  same('info', /role:master|role:slave/.test(await r.info('replication')), true);
}

tour(async (mode, protocol, nodes) => {
  const r = connect(mode, protocol, nodes);
  const other = connect(mode, protocol, nodes);
  await strings(r);
  await keys(r, mode);
  await lists(r, other);
  await hashesAndSets(r, protocol);
  await streamsAndBits(r, protocol);
  await transactions(r, other);
  await scripts(r, mode);
  await errors(r);
  if (mode !== 'cluster') await databases(r, other, protocol);
  await pubsub(r, other);
  await Promise.all([r.quit(), other.quit()]);
});
