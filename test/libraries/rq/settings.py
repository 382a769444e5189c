"""Settings of `rq worker`."""

import ledger
from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError, TimeoutError
from redis.retry import Retry

# A worker ends at an error of its connection at the wrong moment, so the client
# has to try again by itself: here for about ten seconds.


class Patient(Redis):
    """For rq worker --connection-class settings.Patient --url redis://..."""

    @classmethod
    def from_url(cls, url, **options):
        return super().from_url(url, retry=Retry(ExponentialBackoff(cap=0.5, base=0.02), 25), **options)


# For rq worker --config settings: the three nodes as sentinels.
SENTINEL = {
    'INSTANCES': ledger.NODES,
    'MASTER_NAME': 'mymaster',
    'CONNECTION_KWARGS': {'retry': Retry(ExponentialBackoff(cap=0.5, base=0.02), 25),
                          'retry_on_error': [ConnectionError, TimeoutError]},
}
