"""Tasks of huey."""

import ledger
from huey import RedisHuey
from redis.backoff import ExponentialBackoff
from redis.retry import Retry
from redis.sentinel import Sentinel


def connect():
    if ledger.MODE == 'sentinel':
        sentinel = Sentinel(ledger.NODES, socket_timeout=5)
        pool = sentinel.master_for('mymaster', socket_timeout=10).connection_pool
        return RedisHuey('trivet', connection_pool=pool)
    if ledger.MODE == 'service':
        host, port = ledger.NODES[0]
        return RedisHuey('trivet', host=host, port=port, retry=Retry(ExponentialBackoff(cap=0.5, base=0.02), 25))
    return RedisHuey('trivet', url='redis://%s:%d/0' % ledger.NODES[0])


huey = connect()


@huey.task()
def double(job, n):
    ledger.run(job)
    return 2 * n


@huey.task(retries=1, context=True)
def flaky(job, task=None):
    if task.retries:
        ledger.fail(job)
        raise ValueError('as told')
    ledger.run(job)
    return 'at last'


@huey.task()
def later(job, at):
    ledger.due(job, at)
    ledger.run(job)


@huey.task()
def add(job, m, n):
    ledger.run(job)
    return n + m


@huey.task()
def total(job, numbers):
    ledger.run(job)
    return sum(numbers)
