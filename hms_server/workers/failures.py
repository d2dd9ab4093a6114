"""What a drain that failed leaves behind: one dead letter for each tenant, and a pause before the next."""

from __future__ import annotations

import rq

from hms_server.jobs.drains import DrainRequests

# After a failure for good, how long nobody asks for this tenant's drain by itself.
_HOLD_SECONDS = 300.0
# How much longer than the pause before a retry others wait with asking.
_MARGIN_SECONDS = 3.0


def note(requests: DrainRequests, tenant_id: str) -> None:
    """Notes that the job at hand failed; raises redis.RedisError where Redis is away."""
    job = rq.get_current_job()
    if job is not None and job.retries_left:
        requests.hold(tenant_id, job.get_retry_interval() + _MARGIN_SECONDS)
        return
    requests.hold(tenant_id, _HOLD_SECONDS)
    if job is not None:
        requests.failed_for_good(tenant_id, job.id)
