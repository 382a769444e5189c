"""Makes jobs of all kinds, and checks what they give."""

import asyncio
import time

import app
import ledger
from arq import create_pool
from redis.exceptions import RedisError

loop = asyncio.new_event_loop()
pool = app.sentinel_pool() if ledger.MODE == 'sentinel' else loop.run_until_complete(create_pool(app.settings()))


def enqueue(name, job, *args, **options):
    handle = loop.run_until_complete(pool.enqueue_job(name, job, *args, **options))
    if handle is None:  # there is such a job, or the connection died meanwhile
        raise ConnectionError('not enqueued')
    return handle


def result(job, handle, want):
    ledger.await_result(job, lambda: loop.run_until_complete(handle.result(timeout=20, poll_delay=0.05)), want, RedisError)


def plain(job):
    ledger.make(job, lambda job: enqueue('double', job, 1))


def with_result(job):
    job, handle = ledger.make(job, lambda job: enqueue('double', job, 21))
    result(job, handle, 42)


def retried(job):
    job, handle = ledger.make(job, lambda job: enqueue('flaky', job))
    result(job, handle, 'at last')


def put_off(job):
    at = time.time() + 1.5
    ledger.make(job, lambda job: enqueue('later', job, at, _defer_by=1.5))


def unique(job):
    """The same id twice: the second is refused."""
    job, _ = ledger.make(job, lambda job: enqueue('double', job, 1, _job_id=job))
    try:
        enqueue('double', job, 1, _job_id=job)
        ledger.note('wrong', job, 'was taken twice')
    except ConnectionError:
        pass
    except RedisError:
        if ledger.MODE == 'url':
            raise


ledger.produce({3: retried, 7: put_off, 13: with_result, 17: unique, 23: retried, 27: put_off, 33: with_result}, plain)
