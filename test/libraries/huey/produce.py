"""Makes jobs of all kinds, and checks what they give."""

import time

import ledger
from app import add, double, flaky, huey, later, total
from huey.api import chord
from huey.exceptions import TaskException
from redis.exceptions import RedisError


def result(job, handle, want):
    def get():
        try:
            return handle.get(blocking=True, timeout=20, preserve=True)
        except TaskException:  # of the first try, when another one follows
            handle.reset()
            raise
    ledger.await_result(job, get, want, RedisError)


def plain(job):
    ledger.make(job, lambda job: double(job, 1))


def with_result(job):
    job, handle = ledger.make(job, lambda job: double(job, 21))
    result(job, handle, 42)


def retried(job):
    job, handle = ledger.make(job, flaky)
    result(job, handle, 'at last')


def put_off(job):
    at = time.time() + 1.5
    ledger.make(job, lambda job: later.schedule((job, at), delay=1.5))


def pipeline(job):
    """A task, then one that takes its result, then another."""
    def enqueue(job):
        return huey.enqueue(double.s(job + '.0', 5).then(add, job + '.1', 7).then(add, job + '.2', 9))
    job, handles = ledger.make(job, enqueue, ('.0', '.1', '.2'))
    result(job, handles, [10, 17, 26])


def chorded(job):
    """Three tasks at once, then one that takes all their results."""
    def enqueue(job):
        return huey.enqueue(chord([double.s('%s.%d' % (job, i), i) for i in range(3)], total.s(job + '.sum')))
    job, handle = ledger.make(job, enqueue, ('.0', '.1', '.2', '.sum'))
    result(job, handle, 6)


ledger.produce({3: retried, 7: put_off, 11: chorded, 13: with_result, 19: pipeline, 23: retried,
                27: put_off, 33: with_result}, plain)
