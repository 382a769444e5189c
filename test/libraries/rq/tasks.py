"""Tasks of RQ."""

import ledger
from rq import get_current_job


def double(job, n):
    ledger.run(job)
    return 2 * n


def flaky(job, tries):
    if get_current_job().retries_left == tries:
        ledger.fail(job)
        raise ValueError('as told')
    ledger.run(job)
    return 'at last'


def later(job, at):
    ledger.due(job, at, slack=1)  # RQ cuts the time to whole seconds
    ledger.run(job)


def total(job):
    """Adds up what the jobs gave that this one depends on."""
    ledger.run(job)
    return sum(d.return_value() for d in get_current_job().fetch_dependencies())
