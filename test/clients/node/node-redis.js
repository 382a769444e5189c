'use strict';
// A tour with node-redis: node node-redis.js MODE PROTOCOL HOST:PORT...
const redis = require('redis');
const { same, refused, sleep, until, tour } = require('./check');

const k = (name) => `{nr}:${name}`;

// The type mapping gives bytes as they are.
const bytesOf = (r) => r.withTypeMapping({ [redis.RESP_TYPES.BLOB_STRING]: Buffer });

async function connect(mode, RESP, nodes) {
  let c;
  if (mode === 'cluster') {
    c = redis.createCluster({ RESP, rootNodes: nodes.map(({ host, port }) => ({ url: `redis://${host}:${port}` })) });
  } else if (mode === 'sentinel') {
    c = redis.createSentinel({ RESP, name: 'mymaster', sentinelRootNodes: nodes, masterPoolSize: 4, nodeClientOptions: { RESP }, sentinelClientOptions: { RESP } });
  } else {
    c = redis.createClient({ RESP, name: 'tour', socket: nodes[0] });
  }
  c.on('error', (e) => { console.log(e); process.exit(1); });
  return c.connect();
}

async function strings(r) {
  same('set', await r.set(k('a'), 'x'), 'OK');
  same('get', await r.get(k('a')), 'x');
  same('get of none', await r.get(k('none')), null);
  same('set nx', await r.set(k('a'), 'y', { condition: 'NX' }), null);
  same('set xx get', await r.set(k('a'), 'z', { condition: 'XX', GET: true, expiration: { type: 'EX', value: 100 } }), 'x');
  same('set keepttl', await r.set(k('a'), 'w', { expiration: 'KEEPTTL' }), 'OK');
  const ttl = await r.pTTL(k('a'));
  same('pttl', ttl > 1000 && ttl <= 100000, true);
  same('incr', [await r.incr(k('n')), await r.incrBy(k('n'), 5), await r.decr(k('n'))], [1, 6, 5]);
  same('incrbyfloat', [await r.incrByFloat(k('f'), 1.5), await r.incrByFloat(k('f'), -0.25)], ['1.5', '1.25']);
  same('mset', await r.mSet([[k('m1'), 'a'], [k('m2'), 'b']]), 'OK');
  same('mget', await r.mGet([k('m1'), k('none'), k('m2')]), ['a', null, 'b']);
  same('append', await r.append(k('m1'), 'bc'), 3);
  same('getrange', await r.getRange(k('m1'), 1, -1), 'bc');
  same('getdel', await r.getDel(k('m1')), 'abc');
  const bytes = Buffer.from([...Array(256).keys()]);
  same('binary set', await r.set(k('bytes'), bytes), 'OK');
  same('binary get', await bytesOf(r).get(k('bytes')), bytes);
  same('text', [await r.set(k('text'), 'żółw 龜'), await r.get(k('text')), await r.strLen(k('text'))], ['OK', 'żółw 龜', 11]);
}

async function keys(r, mode) {
  for (let i = 0; i < 50; i++) await r.set(k(`scan:${i}`), i.toString());
  const found = new Set();
  const node = mode === 'cluster' ? await r.nodeClient(r.getMasters()[0]) : r;
  for await (const some of node.scanIterator({ MATCH: k('scan:*'), COUNT: 7 })) some.forEach((key) => found.add(key));
  same('scan', found.size, 50);
  same('type', await r.type(k('a')), 'string');
  same('exists', await r.exists([k('a'), k('a'), k('none')]), 2);
  same('rename', await r.rename(k('a'), k('b')), 'OK');
  same('expire gt', await r.expire(k('b'), 50, 'GT'), 0);
  same('persist', [await r.persist(k('b')), await r.ttl(k('b')), await r.ttl(k('none'))], [1, -1, -2]);
  same('pexpire', await r.pExpire(k('b'), 20), 1);
  await sleep(60);
  same('expired', await r.get(k('b')), null);
  same('del', await r.del([k('text'), k('none')]), 1);
  same('unlink', await r.unlink(k('m2')), 1);
}

async function lists(r, other) {
  same('rpush', await r.rPush(k('l'), ['a', 'b', 'c']), 3);
  same('lpush', await r.lPush(k('l'), 'z'), 4);
  same('lrange', await r.lRange(k('l'), 0, -1), ['z', 'a', 'b', 'c']);
  same('lpop count', await r.lPopCount(k('l'), 2), ['z', 'a']);
  same('linsert', await r.lInsert(k('l'), 'BEFORE', 'c', 'bb'), 3);
  same('lmove', await r.lMove(k('l'), k('l2'), 'LEFT', 'RIGHT'), 'b');
  same('lpos', await r.lPos(k('l'), 'c'), 1);
  same('blpop of one that is full', await r.blPop(k('l'), 1), { key: k('l'), element: 'bb' });
  same('blpop that waits in vain', await r.blPop(k('no'), 0.05), null);
  const waiting = other.brPop([k('q'), k('q2')], 30);
  await sleep(100);
  same('lpush to one who waits', await r.lPush(k('q2'), 'job'), 1);
  same('brpop', await waiting, { key: k('q2'), element: 'job' });
  const smallest = other.bzPopMin(k('bz'), 30);
  await sleep(100);
  await r.zAdd(k('bz'), { score: 1.5, value: 'm' });
  same('bzpopmin', await smallest, { key: k('bz'), value: 'm', score: 1.5 });
}

async function hashesAndSets(r) {
  same('hset', await r.hSet(k('h'), { f: 1, g: 'two' }), 2);
  same('hgetall', await r.hGetAll(k('h')), { f: '1', g: 'two' });
  same('hmget', await r.hmGet(k('h'), ['f', 'none']), ['1', null]);
  same('hincrby', await r.hIncrBy(k('h'), 'f', 4), 5);
  same('hincrbyfloat', await r.hIncrByFloat(k('h'), 'x', 0.5), '0.5');
  same('hscan', (await r.hScan(k('h'), '0')).entries.length, 3);
  same('hdel', [await r.hDel(k('h'), ['f', 'none']), await r.hLen(k('h'))], [1, 2]);
  same('sadd', await r.sAdd(k('s'), ['a', 'b', 'c', 'a']), 3);
  same('smembers', (await r.sMembers(k('s'))).sort(), ['a', 'b', 'c']);
  same('smismember', await r.smIsMember(k('s'), ['a', 'q']), [1, 0]);
  await r.sAdd(k('s2'), ['b', 'c', 'd']);
  same('sinter', (await r.sInter([k('s'), k('s2')])).sort(), ['b', 'c']);
  same('sdiffstore', await r.sDiffStore(k('s3'), [k('s'), k('s2')]), 1);
  same('spop', await r.sPop(k('s3')), 'a');

  const z = (value, score) => ({ value, score });
  same('zadd', await r.zAdd(k('z'), [z('a', 1), z('b', 2.5), z('c', Infinity)]), 3);
  same('zadd gt ch', await r.zAdd(k('z'), [z('a', 0), z('b', 3.25)], { comparison: 'GT', CH: true }), 1);
  same('zscore', [await r.zScore(k('z'), 'b'), await r.zScore(k('z'), 'none')], [3.25, null]);
  same('zincrby', await r.zIncrBy(k('z'), 0.5, 'a'), 1.5);
  same('zrange', await r.zRangeWithScores(k('z'), 0, 1), [z('a', 1.5), z('b', 3.25)]);
  same('zrange byscore', await r.zRange(k('z'), '(1.5', '+inf', { BY: 'SCORE', LIMIT: { offset: 0, count: 1 } }), ['b']);
  same('zrank', [await r.zRank(k('z'), 'b'), await r.zRevRank(k('z'), 'c')], [1, 0]);
  same('zmscore', await r.zmScore(k('z'), ['a', 'none']), [1.5, null]);
  same('zpopmax', await r.zPopMax(k('z')), z('c', Infinity));
  await r.zAdd(k('z2'), z('a', 10));
  same('zunion', await r.zUnionWithScores([k('z'), k('z2')]), [z('b', 3.25), z('a', 11.5)]);
}

async function streamsAndBits(r) {
  const first = { id: '1-1', message: { f: 'v' } };
  const second = { id: '2-0', message: { g: 'w' } };
  same('xadd', await r.xAdd(k('x'), '1-1', { f: 'v' }), '1-1');
  same('xadd maxlen', await r.xAdd(k('x'), '2-0', { g: 'w' }, { TRIM: { strategy: 'MAXLEN', strategyModifier: '~', threshold: 100 } }), '2-0');
  const bare = (list) => list.map(({ id, message }) => ({ id, message: { ...message } }));
  same('xrange', bare(await r.xRange(k('x'), '-', '+')), [first, second]);
  same('xrevrange', bare(await r.xRevRange(k('x'), '+', '-', { COUNT: 1 })), [second]);
  const read = await r.xRead({ key: k('x'), id: '1-1' }, { COUNT: 5 });
  same('xread', [read.length, read[0].name, bare(read[0].messages)], [1, k('x'), [second]]);
  same('xread of nothing', await r.xRead({ key: k('x'), id: '2-0' }), null);
  same('xlen', await r.xLen(k('x')), 2);

  same('setbit', [await r.setBit(k('bit'), 7, 1), await r.setBit(k('bit'), 7, 1)], [0, 1]);
  same('bitcount', await r.bitCount(k('bit')), 1);
  same('bitpos', await r.bitPos(k('bit'), 1), 7);
  same('bitfield', await r.bitField(k('bf'), [{ operation: 'OVERFLOW', behavior: 'SAT' },
    { operation: 'INCRBY', encoding: 'u8', offset: '#1', increment: 300 }, { operation: 'GET', encoding: 'u8', offset: 0 }]), [255, 0]);
  same('bitop', await r.bitOp('NOT', k('bit2'), k('bit')), 1);
  same('pfadd', [await r.pfAdd(k('p'), ['a', 'b', 'c']), await r.pfAdd(k('p'), 'a')], [1, 0]);
  same('pfmerge', [await r.pfAdd(k('p2'), 'd'), await r.pfMerge(k('p3'), [k('p'), k('p2')])], [1, 'OK']);
  same('pfcount', await r.pfCount(k('p3')), 4);

  same('geoadd', await r.geoAdd(k('g'), [{ longitude: 13.361389, latitude: 38.115556, member: 'Palermo' },
    { longitude: 15.087269, latitude: 37.502669, member: 'Catania' }]), 2);
  same('geodist', await r.geoDist(k('g'), 'Palermo', 'Catania', 'km'), 166.2742);
  same('geohash', await r.geoHash(k('g'), 'Palermo'), ['sqc8b49rny0']);
  same('geosearch', await r.geoSearchWith(k('g'), { longitude: 15, latitude: 37 }, { radius: 200, unit: 'km' }, ['WITHDIST'], { SORT: 'ASC' }),
    [{ member: 'Catania', distance: 56.4413 }, { member: 'Palermo', distance: 190.4424 }]);
  const [{ longitude }] = await r.geoPos(k('g'), 'Palermo');
  same('geopos', Math.abs(Number(longitude) - 13.361389) < 1e-5, true);
}

async function transactions(r, other, mode) {
  same('multi', await r.multi().set(k('t'), '1').incr(k('t')).get(k('t')).exec(), ['OK', 2, '2']);
  await r.multi().set(k('t'), 'w').incr(k('t')).get(k('t')).exec().then(
    () => same('an error within', 'none', 'an error'),
    (e) => same('an error within', [e.replies[1].message, e.replies[2]], ['ERR value is not an integer or out of range', 'w']));
  // Which connection watches: the only one, one for the slot, one that is leased.
  const lease = mode === 'sentinel' ? await r.acquire() : null;
  const c = mode === 'cluster' ? await r.nodeClient(r.getMasters()[0]) : lease || r;
  await c.watch(k('t'));
  await other.set(k('t'), 'changed');
  await c.multi().set(k('t'), 'lost').exec().then(
    () => same('watch', 'none', 'an error'), (e) => same('watch', e instanceof redis.WatchError, true));
  if (lease) lease.release();
  same('after it', await r.get(k('t')), 'changed');
  const p = r.multi();
  const want = [];
  for (let i = 0; i < 300; i++) {
    p.set(k(`p${i}`), i.toString()).get(k(`p${i}`));
    want.push('OK', i.toString());
  }
  same('pipeline', await p.execAsPipeline(), want);
  if (mode === 'sentinel') return; // more commands at once than it has connections make it wait for ever
  const all = await Promise.all([...Array(300).keys()].map((i) => r.incrBy(k('auto'), i)));
  same('commands at once', all[299], 299 * 150);
}

async function scripts(r, mode) {
  const script = "return {redis.call('INCRBY', KEYS[1], ARGV[1]), 'x', {3, false}}";
  same('eval', await r.eval(script, { keys: [k('e')], arguments: ['3'] }), [3, 'x', [3, null]]);
  await refused('evalsha', r.evalSha('0'.repeat(40), { keys: [k('e')] }), 'NOSCRIPT No matching script');
  const node = mode === 'cluster' ? await r.nodeClient(r.getMasters()[0]) : r;
  const sha = await node.scriptLoad(script);
  same('by its hash', await r.evalSha(sha, { keys: [k('e')], arguments: ['4'] }), [7, 'x', [3, null]]);
  await refused('an error in a script', r.eval("return redis.call('LPUSH', KEYS[1], 1)", { keys: [k('e')] }), 'WRONGTYPE');
  const library = "#!lua name=nrtour\nredis.register_function('nr_set', function(keys, args) return redis.call('SET', keys[1], args[1]) end)";
  same('function load', await node.functionLoad(library, { REPLACE: true }), 'nrtour');
  same('fcall', await r.fCall('nr_set', { keys: [k('fn')], arguments: ['v'] }), 'OK');
  same('function list', (await node.functionList()).map((l) => l.library_name), ['nrtour']);
}

async function pubsub(r, mode, sub) {
  const heard = [];
  const hear = (message, channel) => heard.push([channel, message]);
  await sub.subscribe([k('c1'), k('c2')], hear);
  await sub.pSubscribe(k('p*'), hear);
  await r.publish(k('c1'), 'one');
  await r.publish(k('pat'), 'two');
  await until('messages', () => heard.length >= 2);
  same('messages', heard.sort(), [[k('c1'), 'one'], [k('pat'), 'two']]);
  if (mode === 'plain') same('channels', (await r.pubSubChannels(k('*'))).sort(), [k('c1'), k('c2')]);
  await sub.unsubscribe([k('c1'), k('c2')]);
  await sub.pUnsubscribe();
}

async function errors(r) {
  await r.set(k('str'), 'x');
  await refused('wrong type', r.lPush(k('str'), '1'), 'WRONGTYPE Operation against a key holding the wrong kind of value');
  await refused('not a number', r.incr(k('str')), 'ERR value is not an integer or out of range');
}

async function databases(r, other, protocol) {
  await refused('unknown', r.sendCommand(['FLUHS', k('x')]), "ERR unknown command 'FLUHS', with args beginning with: ");
  await refused('arguments', r.sendCommand(['GET', 'x', 'y']), "ERR wrong number of arguments for 'get' command");
  await other.select(3);
  same('db 3', [await other.set(k('db'), '3'), await r.get(k('db')), await other.get(k('db')), await other.dbSize()], ['OK', null, '3', 1]);
  same('flushdb', [await other.flushDb(), await other.dbSize()], ['OK', 0]);
  await other.select(0);
  same('ping', [await r.ping(), await r.ping('hi')], ['PONG', 'hi']);
  same('client list', (await r.clientList()).filter((c) => c.name === 'tour').length >= 2, true);
  same('hello', Number((await r.hello(protocol)).proto), protocol);
  same('info', /role:master|role:slave/.test(await r.info('replication')), true);
}

tour(async (mode, protocol, nodes) => {
  const r = await connect(mode, protocol, nodes);
  const other = await connect(mode, protocol, nodes);
  await strings(r);
  await keys(r, mode);
  await lists(r, other);
  await hashesAndSets(r);
  await streamsAndBits(r);
  await transactions(r, other, mode);
  await scripts(r, mode);
  await errors(r);
  if (mode === 'plain') await databases(r, other, protocol);
  await pubsub(r, mode, other);
  await Promise.all([r.close(), other.close()]);
});
