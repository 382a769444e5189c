"""Settings of `rq worker -c settings`: the three nodes as sentinels."""

import ledger
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

SENTINEL = {
    'INSTANCES': ledger.NODES,
    'MASTER_NAME': 'mymaster',
    # A worker ends at an error of its connection at the wrong moment, so the
    # client has to try again by itself: here for about ten seconds.
    'CONNECTION_KWARGS': {'retry': Retry(ExponentialBackoff(cap=0.5, base=0.02), 25)},
}
