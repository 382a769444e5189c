"""A tour with redis-py: python3 tour.py MODE PROTOCOL HOST:PORT...

It ends at the first difference, with a message and the exit status 1.
"""

import sys
import threading
import time

import redis
from redis.cluster import ClusterNode, RedisCluster
from redis.exceptions import NoScriptError, ResponseError, WatchError
from redis.sentinel import Sentinel

MODE, PROTOCOL = sys.argv[1], int(sys.argv[2])
NODES = [(a.split(':')[0], int(a.split(':')[1])) for a in sys.argv[3:]]


def k(name):
    return '{py}:' + name


def connect(**options):
    options = dict(protocol=PROTOCOL, decode_responses=True, client_name='tour', **options)
    if MODE == 'cluster':
        return RedisCluster(startup_nodes=[ClusterNode(*n) for n in NODES], **options)
    if MODE == 'sentinel':
        sentinel = Sentinel(NODES, sentinel_kwargs={'protocol': PROTOCOL}, **options)
        return sentinel.master_for('mymaster')
    return redis.Redis(*NODES[0], **options)


def same(what, got, want):
    if got != want:
        sys.exit('%s: got %r, want %r' % (what, got, want))


def refused(what, call, text, kind=ResponseError):
    try:
        got = repr(call())
    except kind as e:
        got = str(e)
    same(what, got[:len(text)], text)


def strings(r):
    same('set', r.set(k('a'), 'x'), True)
    same('get', r.get(k('a')), 'x')
    same('get of none', r.get(k('none')), None)
    same('set nx', r.set(k('a'), 'y', nx=True), None)
    same('set xx get', r.set(k('a'), 'z', xx=True, get=True, ex=100), 'x')
    same('set keepttl', r.set(k('a'), 'w', keepttl=True), True)
    same('pttl', 1000 < r.pttl(k('a')) <= 100000, True)
    same('getex', [r.getex(k('a'), persist=True), r.ttl(k('a'))], ['w', -1])
    same('incr', [r.incr(k('n')), r.incrby(k('n'), 5), r.decr(k('n'))], [1, 6, 5])
    same('incrbyfloat', [float(r.incrbyfloat(k('f'), 1.5)), float(r.incrbyfloat(k('f'), -0.25))], [1.5, 1.25])
    same('mset', r.mset({k('m1'): 'a', k('m2'): 'b'}), True)
    same('mget', r.mget(k('m1'), k('none'), k('m2')), ['a', None, 'b'])
    same('append', r.append(k('m1'), 'bc'), 3)
    same('getrange', r.getrange(k('m1'), 1, -1), 'bc')
    same('getdel', r.getdel(k('m1')), 'abc')
    same('text', [r.set(k('text'), 'żółw 龜'), r.get(k('text')), r.strlen(k('text'))], [True, 'żółw 龜', 11])


def binary(r):
    value = bytes(range(256))
    same('binary', [r.set(b'{py}\xff\x00\r\n', value), r.get(b'{py}\xff\x00\r\n')], [True, value])
    same('binary field', [r.hset(k('bin'), value, value), r.hgetall(k('bin'))], [1, {value: value}])


def keys(r):
    for i in range(50):
        r.set(k('scan:%d' % i), i)
    same('scan', len(set(r.scan_iter(k('scan:*'), count=7))), 50)
    same('type', r.type(k('a')), 'string')
    same('exists', r.exists(k('a'), k('a'), k('none')), 2)
    same('rename', r.rename(k('a'), k('b')), True)
    same('expire gt', r.expire(k('b'), 50, gt=True), False)
    same('persist', [r.expire(k('b'), 50), r.persist(k('b')), r.ttl(k('b')), r.ttl(k('none'))], [True, True, -1, -2])
    same('pexpire', r.pexpire(k('b'), 20), True)
    time.sleep(0.06)
    same('expired', r.get(k('b')), None)
    same('delete', r.delete(k('text'), k('none')), 1)
    same('unlink', r.unlink(k('m2')), 1)


def lists(r, other):
    same('rpush', r.rpush(k('l'), 'a', 'b', 'c'), 3)
    same('lpush', r.lpush(k('l'), 'z'), 4)
    same('lrange', r.lrange(k('l'), 0, -1), ['z', 'a', 'b', 'c'])
    same('lpop count', r.lpop(k('l'), 2), ['z', 'a'])
    same('linsert', r.linsert(k('l'), 'BEFORE', 'c', 'bb'), 3)
    same('lmove', r.lmove(k('l'), k('l2'), 'LEFT', 'RIGHT'), 'b')
    same('lpos', r.lpos(k('l'), 'c'), 1)
    same('blpop of one that is full', list(r.blpop(k('l'), 1)), [k('l'), 'bb'])
    same('blpop that waits in vain', r.blpop(k('no'), 0.05), None)
    got = waiting(lambda: other.brpop([k('q'), k('q2')], 30))
    same('lpush to one who waits', r.lpush(k('q2'), 'job'), 1)
    same('brpop', list(got()), [k('q2'), 'job'])
    got = waiting(lambda: other.bzpopmin(k('bz'), 30))
    r.zadd(k('bz'), {'m': 1.5})
    same('bzpopmin', list(got()), [k('bz'), 'm', 1.5])


def waiting(call):
    """Starts a call that waits, and returns what waits for its answer."""
    answer = []
    thread = threading.Thread(target=lambda: answer.append(call()))
    thread.start()
    time.sleep(0.1)

    def got():
        thread.join()
        return answer[0]
    return got


def hashes_and_sets(r):
    same('hset', r.hset(k('h'), mapping={'f': 1, 'g': 'two'}), 2)
    same('hgetall', r.hgetall(k('h')), {'f': '1', 'g': 'two'})
    same('hmget', r.hmget(k('h'), 'f', 'none'), ['1', None])
    same('hincrby', r.hincrby(k('h'), 'f', 4), 5)
    same('hincrbyfloat', float(r.hincrbyfloat(k('h'), 'x', 0.5)), 0.5)
    same('hscan', dict(r.hscan_iter(k('h'))), {'f': '5', 'g': 'two', 'x': '0.5'})
    same('hdel', [r.hdel(k('h'), 'f', 'none'), r.hlen(k('h'))], [1, 2])
    same('sadd', r.sadd(k('s'), 'a', 'b', 'c', 'a'), 3)
    same('smembers', sorted(r.smembers(k('s'))), ['a', 'b', 'c'])
    same('smismember', r.smismember(k('s'), 'a', 'q'), [1, 0])
    r.sadd(k('s2'), 'b', 'c', 'd')
    same('sinter', sorted(r.sinter(k('s'), k('s2'))), ['b', 'c'])
    same('sdiffstore', r.sdiffstore(k('s3'), k('s'), k('s2')), 1)
    same('spop', r.spop(k('s3')), 'a')

    def pairs(reply):
        return [list(p) for p in reply]
    same('zadd', r.zadd(k('z'), {'a': 1, 'b': 2.5, 'c': float('inf')}), 3)
    same('zadd gt ch', r.zadd(k('z'), {'a': 0, 'b': 3.25}, gt=True, ch=True), 1)
    same('zscore', [r.zscore(k('z'), 'b'), r.zscore(k('z'), 'none')], [3.25, None])
    same('zincrby', r.zincrby(k('z'), 0.5, 'a'), 1.5)
    same('zrange', pairs(r.zrange(k('z'), 0, 1, withscores=True)), [['a', 1.5], ['b', 3.25]])
    same('zrange byscore', r.zrange(k('z'), '(1.5', '+inf', byscore=True, offset=0, num=1), ['b'])
    same('zrank', [r.zrank(k('z'), 'b'), r.zrevrank(k('z'), 'c')], [1, 0])
    same('zmscore', r.zmscore(k('z'), ['a', 'none']), [1.5, None])
    same('zscan', dict(r.zscan_iter(k('z'))), {'a': 1.5, 'b': 3.25, 'c': float('inf')})
    popped = r.zpopmax(k('z'))
    same('zpopmax', list(popped[0]) if isinstance(popped[0], (list, tuple)) else popped, ['c', float('inf')])
    r.zadd(k('z2'), {'a': 10})
    same('zunion', pairs(r.zunion([k('z'), k('z2')], withscores=True)), [['b', 3.25], ['a', 11.5]])


def streams_and_bits(r):
    same('xadd', r.xadd(k('x'), {'f': 'v'}, id='1-1'), '1-1')
    same('xadd maxlen', r.xadd(k('x'), {'g': 'w'}, id='2-0', maxlen=100), '2-0')
    same('xrange', [list(e) for e in r.xrange(k('x'))], [['1-1', {'f': 'v'}], ['2-0', {'g': 'w'}]])
    same('xrevrange', [list(e) for e in r.xrevrange(k('x'), count=1)], [['2-0', {'g': 'w'}]])
    read = r.xread({k('x'): '1-1'}, count=5)
    # A map in RESP3 and pairs in RESP2, whatever the version makes of them.
    ((name, entries),) = read.items() if isinstance(read, dict) else read
    while isinstance(entries[0], list):
        entries = entries[0]
    same('xread', [name, [list(e) for e in entries]], [k('x'), [['2-0', {'g': 'w'}]]])
    same('xread of nothing', r.xread({k('x'): '2-0'}) or None, None)
    same('xlen', r.xlen(k('x')), 2)

    same('setbit', [r.setbit(k('bit'), 7, 1), r.setbit(k('bit'), 7, 1)], [0, 1])
    same('bitcount', r.bitcount(k('bit')), 1)
    same('bitpos', r.bitpos(k('bit'), 1), 7)
    same('bitfield', r.bitfield(k('bf'), 'SAT').incrby('u8', '#1', 300).get('u8', 0).execute(), [255, 0])
    same('bitop', r.bitop('NOT', k('bit2'), k('bit')), 1)
    same('pfadd', [r.pfadd(k('p'), 'a', 'b', 'c'), r.pfadd(k('p'), 'a')], [1, 0])
    same('pfmerge', [r.pfadd(k('p2'), 'd'), r.pfmerge(k('p3'), k('p'), k('p2'))], [1, True])
    same('pfcount', r.pfcount(k('p3')), 4)

    same('geoadd', r.geoadd(k('g'), [13.361389, 38.115556, 'Palermo', 15.087269, 37.502669, 'Catania']), 2)
    same('geodist', r.geodist(k('g'), 'Palermo', 'Catania', 'km'), 166.2742)
    same('geohash', r.geohash(k('g'), 'Palermo'), ['sqc8b49rny0'])
    near = r.geosearch(k('g'), longitude=15, latitude=37, radius=200, unit='km', sort='ASC', withdist=True)
    same('geosearch', [[m, float(d)] for m, d in near], [['Catania', 56.4413], ['Palermo', 190.4424]])
    same('geopos', abs(r.geopos(k('g'), 'Palermo')[0][0] - 13.361389) < 1e-5, True)


def transactions(r, other):
    p = r.pipeline(transaction=True)
    done = 'OK' if MODE == 'cluster' else True  # its transactions answer as the server does
    same('multi', p.set(k('t'), 1).incr(k('t')).get(k('t')).execute(), [done, 2, '2'])
    p = r.pipeline(transaction=False)
    p.set(k('t'), 'w').incr(k('t')).get(k('t'))
    got = p.execute(raise_on_error=False)
    same('pipeline with an error', [got[0], isinstance(got[1], ResponseError), got[2]], [True, True, 'w'])
    with r.pipeline(transaction=True) as p:
        p.watch(k('t'))
        other.set(k('t'), 'changed')
        p.multi()
        p.set(k('t'), 'lost')
        refused('watch', p.execute, '', WatchError)
    same('after it', r.get(k('t')), 'changed')
    p = r.pipeline(transaction=False)
    for i in range(300):
        p.set(k('p%d' % i), i).get(k('p%d' % i))
    same('pipeline', p.execute(), [x for i in range(300) for x in (True, str(i))])


def scripts(r):
    script = "return {redis.call('INCRBY', KEYS[1], ARGV[1]), 'x', {3, false}}"
    same('eval', r.eval(script, 1, k('e'), 3), [3, 'x', [3, None]])
    refused('evalsha', lambda: r.evalsha('0' * 40, 1, k('e')), 'No matching script', NoScriptError)
    if MODE != 'cluster':
        registered = r.register_script(script + ' -- loaded when it is missing')
        same('a registered script', registered(keys=[k('e')], args=[4]), [7, 'x', [3, None]])
    refused('an error in a script', lambda: r.eval("return redis.call('LPUSH', KEYS[1], 1)", 1, k('e')), 'WRONGTYPE')
    library = "#!lua name=pytour\nredis.register_function('py_set', function(keys, args) return redis.call('SET', keys[1], args[1]) end)"
    same('function load', r.function_load(library, replace=True), 'pytour')
    same('fcall', r.fcall('py_set', 1, k('fn'), 'v'), 'OK')


def pubsub(r, other):
    sub = other.pubsub(ignore_subscribe_messages=False)
    sub.subscribe(k('c1'), k('c2'))
    sub.psubscribe(k('p*'))
    heard = []

    def listen(n):
        end = time.time() + 60
        while len(heard) < n and time.time() < end:
            m = sub.get_message(timeout=1)
            if m:
                heard.append([m['type'], m['pattern'], m['channel'], m['data']])
    listen(3)
    same('subscribed', [m[0] for m in heard], ['subscribe', 'subscribe', 'psubscribe'])
    r.publish(k('c1'), 'one')
    r.publish(k('pat'), 'two')
    listen(5)
    same('messages', heard[3:], [['message', None, k('c1'), 'one'], ['pmessage', k('p*'), k('pat'), 'two']])
    sub.unsubscribe()
    sub.punsubscribe()
    sub.close()


def errors(r):
    r.set(k('str'), 'x')
    refused('wrong type', lambda: r.lpush(k('str'), 1), 'WRONGTYPE Operation against a key holding the wrong kind of value')
    refused('not a number', lambda: r.incr(k('str')), 'value is not an integer or out of range')


def databases(r):
    refused('unknown', lambda: r.execute_command('FLUHS', k('x')), "unknown command 'FLUHS', with args beginning with: ")
    refused('arguments', lambda: r.execute_command('GET', 'x', 'y'), "wrong number of arguments for 'get' command")
    other = connect(db=3)
    same('db 3', [other.set(k('db'), '3'), r.get(k('db')), other.get(k('db')), other.dbsize()], [True, None, '3', 1])
    same('flushdb', [other.flushdb(), other.dbsize(), r.dbsize() > 0], [True, 0, True])
    same('ping', r.ping(), True)
    same('client list', 'tour' in [c['name'] for c in r.client_list()], True)
    same('info', r.info('replication')['role'] in ('master', 'slave'), True)
    same('command count', r.command_count() > 200, True)
    if PROTOCOL == 3:
        same('hello', r.execute_command('HELLO', 3)['proto'], 3)


def main():
    r, other = connect(), connect()
    strings(r)
    options = dict(protocol=PROTOCOL)
    binary(RedisCluster(*NODES[1], **options) if MODE == 'cluster' else
           redis.Redis(*NODES[-1 if MODE == 'plain' else 1], **options))
    keys(r)
    lists(r, other)
    hashes_and_sets(r)
    streams_and_bits(r)
    transactions(r, other)
    scripts(r)
    errors(r)
    if MODE != 'cluster':
        databases(r)
    pubsub(r, other)


if __name__ == '__main__':
    main()
