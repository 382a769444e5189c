"""Settings of `rq worker`."""

import ledger
from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

# A worker ends at an error of its connection at the wrong moment, so the client
# has to try again by itself: here for about ten seconds.


class Patient(Redis):
    """For rq worker --connection-class settings.Patient --url redis://..."""

    @classmethod
    def from_url(cls, url, **options):
        return super().from_url(url, retry=Retry(ExponentialBackoff(cap=0.5, base=0.02), 25), **options)


# For rq worker --config settings: the three nodes as sentinels. Without tries:
# redis-py would dial the dead node with them and ask no sentinel.
SENTINEL = {
    'INSTANCES': ledger.NODES,
    'MASTER_NAME': 'mymaster',
}
