"""Jobs of arq: arq app.WorkerSettings."""

import ledger
from arq import Retry
from arq.connections import ArqRedis, RedisSettings
from redis.asyncio.retry import Retry as TryAgain
from redis.asyncio.sentinel import Sentinel
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError, TimeoutError


# A worker ends at an error of its connection; so the client tries again.
def again(tries):
    return dict(retry=TryAgain(ExponentialBackoff(cap=0.5, base=0.02), tries), retry_on_timeout=True,
                retry_on_error=[ConnectionError, TimeoutError, OSError])



def settings():
    host, port = ledger.NODES[0]
    return RedisSettings(host=host, port=port, conn_timeout=5, conn_retries=30, **again(30))


def sentinel_pool():
    """RedisSettings(sentinel=True) does not hand the tries on, so the pool is our own.

    They are few, since each asks the sentinels once and then dials as many times.
    """
    return Sentinel(ledger.NODES, socket_timeout=5).master_for('mymaster', redis_class=ArqRedis, **again(6))


async def double(ctx, job, n):
    ledger.run(job)
    return 2 * n


async def flaky(ctx, job):
    if ctx['job_try'] == 1:
        ledger.fail(job)
        raise Retry(defer=0.1)
    ledger.run(job)
    return 'at last'


async def later(ctx, job, at):
    ledger.due(job, at)
    ledger.run(job)


class WorkerSettings:
    functions = [double, flaky, later]
    redis_settings = settings()
    if ledger.MODE == 'sentinel':
        redis_pool = sentinel_pool()
    max_jobs = 4
    poll_delay = 0.05
    job_timeout = 10
    max_tries = 10
