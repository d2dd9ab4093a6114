"""Background work: what is kept of a failure holds no values."""

from __future__ import annotations

import pytest

from hms_server import errors
from hms_server.audit.drain import ChainBroken
from hms_server.telemetry import metrics
from hms_server.workers.measured import JobFailed, measured


def seconds(job, result):
    return metrics.JOB_SECONDS.labels(job, result)._sum.get()


def test_work_that_goes_well_is_measured():
    assert measured("well", lambda: 7) == 7
    assert seconds("well", "ok") > 0


def test_a_failure_is_measured_and_tells_no_values():
    def fail():
        raise KeyError("Asha Rao, 1990-01-01")

    with pytest.raises(JobFailed) as failed:
        measured("badly", fail)
    assert "KeyError at test_jobs_measured.py" in str(failed.value)
    assert "Asha" not in str(failed.value)
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__
    assert seconds("badly", "error") > 0


@pytest.mark.parametrize("error", [errors.Unavailable("The database is away."), ChainBroken("The chain.")])
def test_our_own_errors_may_be_shown(error):
    def fail():
        raise error

    with pytest.raises(JobFailed, match=str(error)):
        measured("shown", fail)
