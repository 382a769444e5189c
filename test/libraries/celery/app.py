"""Tasks of Celery."""

import ledger
from celery import Celery


def urls(scheme):
    return ';'.join('%s://%s:%d/0' % (scheme, host, port) for host, port in ledger.NODES)


app = Celery('app')
app.conf.update(
    task_default_queue='trivet',
    # For ever: the default gives up after 100 tries.
    broker_connection_max_retries=None,
    broker_connection_retry_on_startup=True,
    worker_hijack_root_logger=False,
    result_backend_always_retry=True,
    result_backend_max_retries=50,
)
# What a worker had reserved when its connection died runs again after this time,
# which must be longer than any task: an hour by default.
visibility = {'visibility_timeout': 60}
if ledger.MODE == 'sentinel':
    options = {'master_name': 'mymaster', **visibility}
    app.conf.update(broker_url=urls('sentinel'), result_backend=urls('sentinel'),
                    broker_transport_options=options, result_backend_transport_options=options)
else:
    url = 'redis://%s:%d/0' % ledger.NODES[0]
    app.conf.update(broker_url=url, broker_transport_options=visibility, result_backend=url)


@app.task
def double(job, n):
    ledger.run(job)
    return 2 * n


@app.task(bind=True, max_retries=3)
def flaky(self, job, countdown):
    if not self.request.retries:
        ledger.fail(job)
        raise self.retry(countdown=countdown)
    ledger.run(job)
    return 'at last'


@app.task
def later(job, at):
    ledger.due(job, at)
    ledger.run(job)


@app.task
def add(n, job, m):
    ledger.run(job)
    return n + m


@app.task
def total(numbers, job):
    ledger.run(job)
    return sum(numbers)
