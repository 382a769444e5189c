# A tour with redis-rb: ruby tour.rb MODE PROTOCOL HOST:PORT...
#
# Version 4 speaks RESP2 alone; its Cluster client is in it, its Sentinel client too.
require 'redis'

MODE, PROTOCOL, *NODES = ARGV
abort 'this version speaks RESP2 alone' unless PROTOCOL == '2'

def k(name)
  "{rb}:#{name}"
end

def connect
  case MODE
  when 'cluster' then Redis.new(cluster: NODES.map { |n| "redis://#{n}" })
  when 'sentinel'
    sentinels = NODES.map { |n| { host: n.split(':')[0], port: Integer(n.split(':')[1]) } }
    Redis.new(url: 'redis://mymaster', sentinels: sentinels, role: :master)
  else Redis.new(url: "redis://#{NODES[0]}", id: 'tour')
  end
end

def same(what, got, want)
  return if got == want

  puts "#{what}: got #{got.inspect}, want #{want.inspect}"
  exit 1
end

def refused(what, text)
  got = begin
    yield.inspect
  rescue Redis::CommandError => e
    e.message
  end
  same(what, got[0, text.size], text)
end

def wait_until(what)
  6000.times do
    return if yield

    sleep 0.01
  end
  same(what, 'not in a minute', 'done')
end

def strings(r)
  same('set', r.set(k('a'), 'x'), 'OK')
  same('get', r.get(k('a')), 'x')
  same('get of none', r.get(k('none')), nil)
  same('set nx', r.set(k('a'), 'y', nx: true), false)
  same('set xx get', r.set(k('a'), 'z', xx: true, get: true, ex: 100), 'x')
  same('set keepttl', r.set(k('a'), 'w', keepttl: true), 'OK')
  same('pttl', r.pttl(k('a')).between?(1000, 100_000), true)
  same('incr', [r.incr(k('n')), r.incrby(k('n'), 5), r.decr(k('n'))], [1, 6, 5])
  same('incrbyfloat', [r.incrbyfloat(k('f'), 1.5), r.incrbyfloat(k('f'), -0.25)], [1.5, 1.25])
  same('mset', r.mset(k('m1'), 'a', k('m2'), 'b'), 'OK')
  same('mget', r.mget(k('m1'), k('none'), k('m2')), ['a', nil, 'b'])
  same('mapped mget', r.mapped_mget(k('m1'), k('m2')), { k('m1') => 'a', k('m2') => 'b' })
  same('append', r.append(k('m1'), 'bc'), 3)
  same('getrange', r.getrange(k('m1'), 1, -1), 'bc')
  same('getdel', r.getdel(k('m1')), 'abc')
  bytes = (0..255).to_a.pack('C*')
  same('binary set', r.set(k('bytes'), bytes), 'OK')
  same('binary get', r.get(k('bytes')).b, bytes)
  same('text', [r.set(k('text'), 'żółw 龜'), r.get(k('text')), r.strlen(k('text'))], ['OK', 'żółw 龜', 11])
end

def keys(r)
  50.times { |i| r.set(k("scan:#{i}"), i) }
  same('scan', r.scan_each(match: k('scan:*'), count: 7).to_a.uniq.size, 50)
  same('type', r.type(k('a')), 'string')
  same('exists', r.exists(k('a'), k('a'), k('none')), 2)
  same('rename', r.rename(k('a'), k('b')), 'OK')
  same('expire gt', r.expire(k('b'), 50, gt: true), false)
  same('persist', [r.persist(k('b')), r.ttl(k('b')), r.ttl(k('none'))], [true, -1, -2])
  same('pexpire', r.pexpire(k('b'), 20), true)
  sleep 0.06
  same('expired', r.get(k('b')), nil)
  same('del', r.del(k('text'), k('none')), 1)
  same('unlink', r.unlink(k('m2')), 1)
end

def lists(r, other)
  same('rpush', r.rpush(k('l'), %w[a b c]), 3)
  same('lpush', r.lpush(k('l'), 'z'), 4)
  same('lrange', r.lrange(k('l'), 0, -1), %w[z a b c])
  same('lpop count', r.lpop(k('l'), 2), %w[z a])
  same('linsert', r.linsert(k('l'), :before, 'c', 'bb'), 3)
  same('lmove', r.lmove(k('l'), k('l2'), 'LEFT', 'RIGHT'), 'b')
  same('blpop of one that is full', r.blpop(k('l'), timeout: 1), [k('l'), 'bb'])
  same('blpop that waits in vain', r.blpop(k('no'), timeout: 0.05), nil)
  waiting = Thread.new { other.brpop(k('q'), k('q2'), timeout: 30) }
  sleep 0.1
  same('lpush to one who waits', r.lpush(k('q2'), 'job'), 1)
  same('brpop', waiting.value, [k('q2'), 'job'])
  smallest = Thread.new { other.bzpopmin(k('bz'), timeout: 30) }
  sleep 0.1
  r.zadd(k('bz'), 1.5, 'm')
  same('bzpopmin', smallest.value, [k('bz'), 'm', 1.5])
end

def hashes_and_sets(r)
  same('hset', r.hset(k('h'), { 'f' => 1, 'g' => 'two' }), 2)
  same('hgetall', r.hgetall(k('h')), { 'f' => '1', 'g' => 'two' })
  same('hmget', r.hmget(k('h'), 'f', 'none'), ['1', nil])
  same('hincrby', r.hincrby(k('h'), 'f', 4), 5)
  same('hincrbyfloat', r.hincrbyfloat(k('h'), 'x', 0.5), 0.5)
  same('hscan', r.hscan_each(k('h')).to_a.size, 3)
  same('hdel', [r.hdel(k('h'), 'f', 'none'), r.hlen(k('h'))], [1, 2])
  same('sadd', r.sadd(k('s'), %w[a b c a]), 3)
  same('smembers', r.smembers(k('s')).sort, %w[a b c])
  same('smismember', r.smismember(k('s'), 'a', 'q'), [true, false])
  r.sadd(k('s2'), %w[b c d])
  same('sinter', r.sinter(k('s'), k('s2')).sort, %w[b c])
  same('sdiffstore', r.sdiffstore(k('s3'), k('s'), k('s2')), 1)
  same('spop', r.spop(k('s3')), 'a')

  same('zadd', r.zadd(k('z'), [[1, 'a'], [2.5, 'b'], ['+inf', 'c']]), 3)
  same('zadd gt', r.zadd(k('z'), [[0, 'a'], [3.25, 'b']], gt: true), 0)
  same('zscore', [r.zscore(k('z'), 'b'), r.zscore(k('z'), 'none')], [3.25, nil])
  same('zincrby', r.zincrby(k('z'), 0.5, 'a'), 1.5)
  same('zrange', r.zrange(k('z'), 0, 1, with_scores: true), [['a', 1.5], ['b', 3.25]])
  same('zrange byscore', r.zrange(k('z'), '(1.5', '+inf', by_score: true, limit: [0, 1]), ['b'])
  same('zrank', [r.zrank(k('z'), 'b'), r.zrevrank(k('z'), 'c')], [1, 0])
  same('zmscore', r.zmscore(k('z'), 'a', 'none'), [1.5, nil])
  same('zpopmax', r.zpopmax(k('z')), ['c', Float::INFINITY])
  r.zadd(k('z2'), 10, 'a')
  same('zunion', r.zunion(k('z'), k('z2'), with_scores: true), [['b', 3.25], ['a', 11.5]])
end

def streams_and_bits(r)
  same('xadd', r.xadd(k('x'), { 'f' => 'v' }, id: '1-1'), '1-1')
  same('xadd maxlen', r.xadd(k('x'), { 'g' => 'w' }, id: '2-0', maxlen: 100, approximate: true), '2-0')
  same('xrange', r.xrange(k('x')), [['1-1', { 'f' => 'v' }], ['2-0', { 'g' => 'w' }]])
  same('xrevrange', r.xrevrange(k('x'), count: 1), [['2-0', { 'g' => 'w' }]])
  same('xread', r.xread(k('x'), '1-1', count: 5), { k('x') => [['2-0', { 'g' => 'w' }]] })
  same('xread of nothing', r.xread(k('x'), '2-0'), {})
  same('xlen', r.xlen(k('x')), 2)

  same('setbit', [r.setbit(k('bit'), 7, 1), r.setbit(k('bit'), 7, 1)], [0, 1])
  same('bitcount', r.bitcount(k('bit')), 1)
  same('bitpos', r.bitpos(k('bit'), 1), 7)
  same('bitop', r.bitop('NOT', k('bit2'), k('bit')), 1)
  same('pfadd', [r.pfadd(k('p'), %w[a b c]), r.pfadd(k('p'), 'a')], [true, false])
  same('pfmerge', [r.pfadd(k('p2'), 'd'), r.pfmerge(k('p3'), k('p'), k('p2'))], [true, true])
  same('pfcount', r.pfcount(k('p3')), 4)

  same('geoadd', r.geoadd(k('g'), 13.361389, 38.115556, 'Palermo', 15.087269, 37.502669, 'Catania'), 2)
  same('geodist', r.geodist(k('g'), 'Palermo', 'Catania', 'km'), '166.2742')
  same('geohash', r.geohash(k('g'), 'Palermo'), ['sqc8b49rny0'])
  same('georadius', r.georadius(k('g'), 15, 37, 200, 'km', sort: 'ASC', options: :WITHDIST), [%w[Catania 56.4413], %w[Palermo 190.4424]])
  same('geopos', (r.geopos(k('g'), 'Palermo')[0][0].to_f - 13.361389).abs < 1e-5, true)
end

def transactions(r, other)
  replies = 300.times.map { |i| ['OK', i.to_s] }.flatten
  same('pipeline', r.pipelined { |p| 300.times { |i| p.set(k("p#{i}"), i); p.get(k("p#{i}")) } }, replies)
  return if MODE == 'cluster' # its client cannot watch a key

  same('multi', r.multi { |t| t.set(k('t'), 1); t.incr(k('t')); t.get(k('t')) }, ['OK', 2, '2'])
  refused('an error within', 'ERR value is not an integer or out of range') { r.multi { |t| t.set(k('t'), 'w'); t.incr(k('t')) } }
  same('after the error', r.get(k('t')), 'w')
  lost = r.watch(k('t')) do
    other.set(k('t'), 'changed')
    r.multi { |t| t.set(k('t'), 'lost') }
  end
  same('watch', [lost, r.get(k('t'))], [nil, 'changed'])
end

def scripts(r)
  script = "return {redis.call('INCRBY', KEYS[1], ARGV[1]), 'x', {3, false}}"
  same('eval', r.eval(script, keys: [k('e')], argv: [3]), [3, 'x', [3, nil]])
  refused('evalsha', 'NOSCRIPT No matching script') { r.evalsha('0' * 40, keys: [k('e')]) }
  unless MODE == 'cluster'
    sha = r.script(:load, script)
    same('script exists', r.script(:exists, [sha, '0' * 40]), [true, false])
    same('by its hash', r.evalsha(sha, keys: [k('e')], argv: [4]), [7, 'x', [3, nil]])
    library = "#!lua name=rbtour\nredis.register_function('rb_set', function(keys, args) return redis.call('SET', keys[1], args[1]) end)"
    same('function load', r.call('FUNCTION', 'LOAD', 'REPLACE', library), 'rbtour')
    same('fcall', r.call('FCALL', 'rb_set', 1, k('fn'), 'v'), 'OK')
  end
  refused('an error in a script', 'WRONGTYPE') { r.eval("return redis.call('LPUSH', KEYS[1], 1)", keys: [k('e')]) }
end

def pubsub(r, sub)
  heard = []
  subscribed = 0
  listener = Thread.new do
    sub.subscribe(k('c1'), k('c2')) do |on|
      on.subscribe { subscribed += 1 }
      on.message { |channel, message| heard << [channel, message]; sub.unsubscribe if message == 'end' }
    end
    sub.psubscribe(k('p*')) do |on|
      on.psubscribe { subscribed += 1 }
      on.pmessage { |pattern, channel, message| heard << [pattern, channel, message]; sub.punsubscribe }
    end
  end
  wait_until('subscribed') { subscribed == 2 }
  r.publish(k('c1'), 'one')
  r.publish(k('c2'), 'end')
  wait_until('psubscribed') { subscribed == 3 }
  r.publish(k('pat'), 'two')
  listener.join
  same('messages', heard, [[k('c1'), 'one'], [k('c2'), 'end'], [k('p*'), k('pat'), 'two']])
end

def errors(r)
  r.set(k('str'), 'x')
  refused('wrong type', 'WRONGTYPE Operation against a key holding the wrong kind of value') { r.lpush(k('str'), 1) }
  refused('not a number', 'ERR value is not an integer or out of range') { r.incr(k('str')) }
end

def databases(r, other)
  refused('unknown', "ERR unknown command 'FLUHS', with args beginning with: ") { r.call('FLUHS', k('x')) }
  refused('arguments', "ERR wrong number of arguments for 'get' command") { r.call('GET', 'x', 'y') }
  same('select', other.select(3), 'OK')
  same('db 3', [other.set(k('db'), '3'), r.get(k('db')), other.get(k('db')), other.dbsize], ['OK', nil, '3', 1])
  same('flushdb', [other.flushdb, other.dbsize, other.select(0)], ['OK', 0, 'OK'])
  same('ping', [r.ping, r.ping('hi')], %w[PONG hi])
  same('client list', r.client(:list).map { |c| c['name'] }.include?('tour'), true) if MODE == 'plain'
  same('info', %w[master slave].include?(r.info('replication')['role']), true)
end

r = connect
other = connect
strings(r)
keys(r)
lists(r, other)
hashes_and_sets(r)
streams_and_bits(r)
transactions(r, other)
scripts(r)
errors(r)
databases(r, other) unless MODE == 'cluster'
pubsub(r, other)
r.close
other.close
