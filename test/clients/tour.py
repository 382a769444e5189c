"""A tour with redis-py: python3 tour.py PORT PROTOCOL.

Each line that is wrong is printed; the exit status is 1 then.
"""

import sys

import redis

wrong = 0


def same(what, got, want):
    global wrong
    if got != want:
        wrong += 1
        print('%s: got %r, want %r' % (what, got, want))


def refused(what, call, text):
    try:
        same(what, call(), 'an error')
    except redis.ResponseError as e:
        same(what, str(e).startswith(text), True)


def strings(r):
    same('set', r.set('py:a', 'x'), True)
    same('get', r.get('py:a'), 'x')
    same('get of none', r.get('py:none'), None)
    same('set nx', r.set('py:a', 'y', nx=True), None)
    same('set get', r.set('py:a', 'z', get=True), 'x')
    same('set ex', r.set('py:ttl', '1', ex=100), True)
    same('ttl', 0 < r.ttl('py:ttl') <= 100, True)
    same('getex', r.getex('py:ttl', persist=True), '1')
    same('ttl of one that stays', r.ttl('py:ttl'), -1)
    same('incr', [r.incr('py:n'), r.incrby('py:n', 5), r.decr('py:n')], [1, 6, 5])
    same('incrbyfloat', float(r.incrbyfloat('py:f', '1.5')), 1.5)
    same('mset', r.mset({'py:m1': 'a', 'py:m2': 'b'}), True)
    same('mget', r.mget('py:m1', 'py:none', 'py:m2'), ['a', None, 'b'])
    same('append', r.append('py:m1', 'bc'), 3)
    same('getrange', r.getrange('py:m1', 1, -1), 'bc')
    same('getdel', r.getdel('py:m1'), 'abc')
    same('bytes', r.set('py:bytes', b'\x00\xff\r\n'), True)
    refused('incr of a word', lambda: r.incr('py:a'), 'value is not an integer')
    refused('unknown', lambda: r.execute_command('FLUHS'), "unknown command 'FLUHS'")


def keys(r):
    same('scan', sorted(r.scan_iter('py:*', count=2)), sorted(r.keys('py:*')))
    same('type', r.type('py:a'), 'string')
    same('exists', r.exists('py:a', 'py:a', 'py:none'), 2)
    same('rename', r.rename('py:a', 'py:b'), True)
    same('expire', r.expire('py:b', 50, gt=True), False)
    same('pexpire', r.pexpire('py:b', 50000), True)
    same('persist', r.persist('py:b'), True)
    same('delete', r.delete('py:b', 'py:none'), 1)
    same('unlink', r.unlink('py:m2'), 1)


def pipelines(r):
    p = r.pipeline(transaction=False)
    for i in range(500):
        p.set('py:p%d' % i, i)
        p.get('py:p%d' % i)
    same('pipeline', p.execute(), [x for i in range(500) for x in (True, str(i))])
    p = r.pipeline(transaction=False)
    p.set('py:word', 'w').incr('py:word').get('py:word')
    got = p.execute(raise_on_error=False)
    same('pipeline with an error', [got[0], isinstance(got[1], redis.ResponseError), got[2]], [True, True, 'w'])


def connection(r, port, protocol):
    same('ping', r.ping(), True)
    same('echo', r.echo('hi'), 'hi')
    same('setname', r.client_setname('tour'), True)
    same('client list', 'tour' in [c['name'] for c in r.client_list()], True)
    same('info', r.info()['redis_version'], '7.2.4')
    same('maxmemory', r.info('memory')['maxmemory_policy'], 'noeviction')
    same('command count', r.command_count() > 50, True)
    same('time', len(r.time()), 2)
    other = redis.Redis(port=port, protocol=protocol, db=3, decode_responses=True)
    same('db 3', [other.set('py:db', '3'), r.get('py:db'), other.get('py:db'), other.dbsize()], [True, None, '3', 1])
    same('flushdb', [other.flushdb(), other.dbsize(), r.dbsize() > 0], [True, 0, True])


def main():
    port, protocol = int(sys.argv[1]), int(sys.argv[2])
    r = redis.Redis(port=port, protocol=protocol, decode_responses=True, single_connection_client=True)
    r.flushall()
    for part in strings, keys, pipelines:
        part(r)
    connection(r, port, protocol)
    if protocol == 3:
        same('hello', r.execute_command('HELLO', 3)['proto'], 3)
    raw = redis.Redis(port=port, protocol=protocol)
    same('raw bytes', raw.get('py:bytes'), b'\x00\xff\r\n')
    return 1 if wrong else 0


if __name__ == '__main__':
    sys.exit(main())
