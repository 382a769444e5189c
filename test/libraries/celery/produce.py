"""Makes jobs of all kinds, and checks what they give."""

import time

import ledger
from app import add, double, flaky, later, total
from celery import chain, chord
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError


def result(job, handle, want):
    ledger.await_result(job, lambda: handle.get(timeout=20), want, (OperationalError, RedisError))


def plain(job):
    ledger.make(job, lambda job: double.delay(job, 1))


def with_result(job):
    job, handle = ledger.make(job, lambda job: double.delay(job, 21))
    result(job, handle, 42)


def retried(job):
    job, handle = ledger.make(job, lambda job: flaky.delay(job, 0))
    result(job, handle, 'at last')


def retried_later(job):
    ledger.make(job, lambda job: flaky.delay(job, 1))


def put_off(job):
    at = time.time() + 1.5
    ledger.make(job, lambda job: later.apply_async((job, at), countdown=1.5))


def chained(job):
    """A task, then one that takes its result, then another."""
    def enqueue(job):
        return chain(double.s(job + '.0', 5), add.s(job + '.1', 7), add.s(job + '.2', 9)).delay()
    job, handle = ledger.make(job, enqueue, ('.0', '.1', '.2'))
    result(job, handle, 26)


def chorded(job):
    """Three tasks at once, then one that takes all their results."""
    def enqueue(job):
        return chord([double.s('%s.%d' % (job, i), i) for i in range(3)])(total.s(job + '.sum'))
    job, handle = ledger.make(job, enqueue, ('.0', '.1', '.2', '.sum'))
    result(job, handle, 6)


ledger.produce({3: retried, 7: put_off, 11: chorded, 13: with_result, 19: chained, 23: retried_later,
                27: put_off, 33: with_result}, plain)
