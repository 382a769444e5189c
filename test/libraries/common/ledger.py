"""What a program writes down, and the work of a producer. See ../ledger_test.go.

A line is one write to a file opened for appending, so lines of several threads
and processes never mix.
"""

import faulthandler
import itertools
import os
import signal
import time

MODE = os.environ['MODE']
NODES = [(h, int(p)) for h, p in (n.split(':') for n in os.environ['NODES'].split(','))]
NAME = os.environ['NAME']

# A test that fails asks who hangs where.
faulthandler.register(signal.SIGUSR1, all_threads=True)


def note(*words):
    fd = os.open(os.environ['LEDGER'], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(fd, (' '.join(str(w).replace('\n', ' ') for w in words) + '\n').encode())
    os.close(fd)


def run(job):
    note('run', job, NAME)


def fail(job):
    note('fail', job, NAME)


def due(job, at, slack=0.01):
    """Checks that a job that was put off until a time does not run before it."""
    if time.time() < at - slack:
        note('wrong', job, 'ran', at - time.time(), 'seconds early')


def expect(job, got, want):
    if got != want:
        note('wrong', job, 'gave %r, want %r' % (got, want))


def make(job, call, parts=('',)):
    """Calls call(job) until it returns; each try is a job of its own.

    parts are the endings of the names of the jobs that call makes.
    """
    for attempt in itertools.count():
        name = job if attempt == 0 else '%s_%d' % (job, attempt)
        began = time.monotonic()
        if attempt == 0:
            first = began
        try:
            result = call(name)
        except Exception as e:
            for part in parts:
                note('unsure', name + part, type(e).__name__, e)
            time.sleep(0.05)
            continue
        took = int((time.monotonic() - first) * 1000)
        for part in parts:
            note('made', name + part, took)
        return name, result


def await_result(job, get, want, connection_error, within=60):
    """Calls get() until it returns the result. An error of the connection counts as
    wrong in the mode in which the client's node lives; in others one asks again."""
    deadline = time.monotonic() + within
    last = None
    while time.monotonic() < deadline:
        try:
            expect(job, get(), want)
            return
        except Exception as e:
            if MODE == 'url' and isinstance(e, connection_error):
                note('wrong', job, 'result:', repr(e))
            last = e
        time.sleep(0.1)
    note('noresult', job, repr(last))


def produce(kinds, plain):
    """Makes the jobs of this producer: kinds maps a remainder of 40 to a maker.

    A steady producer makes plain ones only, and so waits for nothing but the store.
    """
    if 'STEADY' in os.environ:
        kinds = {}
    jobs = int(os.environ['JOBS'])
    for n in itertools.count():
        if n >= jobs and os.path.exists(os.environ['STOP']):
            return
        kinds.get(n % 40, plain)('%s-%d' % (NAME, n))
        time.sleep(0.01)
