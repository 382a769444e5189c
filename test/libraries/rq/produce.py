"""Makes jobs of all kinds, and checks what they give."""

import time
from datetime import timedelta

import ledger
import tasks
from redis import Redis
from redis.exceptions import RedisError
from redis.sentinel import Sentinel
from rq import Queue, Retry
from rq.exceptions import DuplicateJobError


def connect():
    if ledger.MODE == 'sentinel':
        return Sentinel(ledger.NODES, socket_timeout=5).master_for('mymaster')
    return Redis.from_url('redis://%s:%d/0' % ledger.NODES[0])


queue = Queue('trivet', connection=connect())
# With Sentinel a worker ends at an error of its connection, and its job with it
# unless it may be tried again.
AGAIN = Retry(max=3) if ledger.MODE == 'sentinel' else None
TRIES = 3 if AGAIN else 1  # of a job that fails, after its first


def result(job, handle, want):
    def get():
        latest = handle.latest_result()
        if latest is None or latest.type != latest.Type.SUCCESSFUL:
            raise LookupError('not yet')
        return latest.return_value
    ledger.await_result(job, get, want, RedisError)


def plain(job):
    ledger.make(job, lambda job: queue.enqueue(tasks.double, job, 1, job_id=job, retry=AGAIN))


def with_result(job):
    job, handle = ledger.make(job, lambda job: queue.enqueue(tasks.double, job, 21, retry=AGAIN))
    result(job, handle, 42)


def retried(job):
    job, handle = ledger.make(job, lambda job: queue.enqueue(tasks.flaky, job, TRIES, retry=Retry(max=TRIES)))
    result(job, handle, 'at last')


def retried_later(job):
    ledger.make(job, lambda job: queue.enqueue(tasks.flaky, job, TRIES, retry=Retry(max=TRIES, interval=1)))


def put_off(job):
    at = time.time() + 1.5
    ledger.make(job, lambda job: queue.enqueue_in(timedelta(seconds=1.5), tasks.later, job, at, retry=AGAIN))


def dependent(job):
    """Three jobs, and one that runs when all of them have."""
    def enqueue(job):
        parents = [queue.enqueue(tasks.double, '%s.%d' % (job, i), i, retry=AGAIN) for i in range(3)]
        return queue.enqueue(tasks.total, job + '.sum', depends_on=parents, retry=AGAIN)
    job, handle = ledger.make(job, enqueue, ('.0', '.1', '.2', '.sum'))
    result(job, handle, 6)


def unique(job):
    """The same id twice: the second is refused."""
    job, _ = ledger.make(job, lambda job: queue.enqueue(tasks.double, job, 1, job_id=job, unique=True, retry=AGAIN))
    try:
        queue.enqueue(tasks.double, job, 1, job_id=job, unique=True)
        ledger.note('wrong', job, 'was taken twice')
    except DuplicateJobError:
        pass
    except RedisError:
        if ledger.MODE == 'url':
            raise


ledger.produce({3: retried, 7: put_off, 11: dependent, 13: with_result, 17: unique, 23: retried_later,
                27: put_off, 33: with_result}, plain)
