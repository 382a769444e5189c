"""Actors of dramatiq."""

import dramatiq
import ledger
import redis
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import CurrentMessage, GroupCallbacks
from dramatiq.rate_limits.backends import RedisBackend as RateLimits
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend
from redis.sentinel import Sentinel


def connect():
    if ledger.MODE == 'sentinel':
        return Sentinel(ledger.NODES, socket_timeout=5).master_for('mymaster')
    return redis.Redis.from_url('redis://%s:%d/0' % ledger.NODES[0])


results = RedisBackend(client=connect())
# What a worker held that has ended is looked for at one command of twenty, not of a
# thousand, and when it has been silent for ten seconds, not a minute.
broker = RedisBroker(client=connect(), heartbeat_timeout=10000, maintenance_chance=50000)
broker.add_middleware(CurrentMessage())
broker.add_middleware(Results(backend=results))
broker.add_middleware(GroupCallbacks(RateLimits(client=connect())))
dramatiq.set_broker(broker)


@dramatiq.actor(store_results=True)
def double(job, n):
    ledger.run(job)
    return 2 * n


@dramatiq.actor(store_results=True, max_retries=3, min_backoff=100)
def flaky(job):
    if not CurrentMessage.get_current_message().options.get('retries'):
        ledger.fail(job)
        raise ValueError('as told')
    ledger.run(job)
    return 'at last'


@dramatiq.actor
def later(job, at):
    ledger.due(job, at)
    ledger.run(job)


@dramatiq.actor(store_results=True)
def add(job, m, n):
    ledger.run(job)
    return n + m


@dramatiq.actor
def done(job):
    ledger.run(job)
