"""Jobs of arq: arq app.WorkerSettings."""

import ledger
from arq import Retry
from arq.connections import RedisSettings
from redis.asyncio.retry import Retry as TryAgain
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError, TimeoutError


def settings():
    # A worker ends at an error of its connection; so the client tries again.
    again = dict(retry=TryAgain(ExponentialBackoff(cap=0.5, base=0.02), 30), retry_on_timeout=True,
                 retry_on_error=[ConnectionError, TimeoutError, OSError], conn_timeout=5, conn_retries=30)
    if ledger.MODE == 'sentinel':
        return RedisSettings(host=ledger.NODES, sentinel=True, sentinel_master='mymaster', **again)
    host, port = ledger.NODES[0]
    return RedisSettings(host=host, port=port)


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
    max_jobs = 4
    poll_delay = 0.05
    job_timeout = 10
    max_tries = 10
