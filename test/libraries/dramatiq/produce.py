"""Makes jobs of all kinds, and checks what they give."""

import time

import ledger
from app import add, done, double, flaky, later
from dramatiq import group, pipeline
from redis.exceptions import RedisError


def result(job, handle, want):
    ledger.await_result(job, lambda: handle.get_result(block=True, timeout=20000), want, RedisError)


def plain(job):
    ledger.make(job, lambda job: double.send(job, 1))


def with_result(job):
    job, handle = ledger.make(job, lambda job: double.send(job, 21))
    result(job, handle, 42)


def retried(job):
    job, handle = ledger.make(job, lambda job: flaky.send(job))
    result(job, handle, 'at last')


def put_off(job):
    at = time.time() + 1.5
    ledger.make(job, lambda job: later.send_with_options(args=(job, at), delay=1500))


def piped(job):
    """A message, then one that takes its result."""
    def enqueue(job):
        return pipeline([double.message(job + '.0', 5), add.message(job + '.1', 7)]).run()
    job, handle = ledger.make(job, enqueue, ('.0', '.1'))
    result(job, handle, 17)


def grouped(job):
    """Three messages at once, then one when all of them have run."""
    def enqueue(job):
        together = group([double.message('%s.%d' % (job, i), i) for i in range(3)])
        together.add_completion_callback(done.message(job + '.done'))
        return together.run()
    job, handle = ledger.make(job, enqueue, ('.0', '.1', '.2', '.done'))
    ledger.await_result(job, lambda: list(handle.get_results(block=True, timeout=20000)), [0, 2, 4], RedisError)


ledger.produce({3: retried, 7: put_off, 11: grouped, 13: with_result, 19: piped, 23: retried,
                27: put_off, 31: grouped}, plain)
