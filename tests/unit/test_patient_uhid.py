"""Numbers of patients: their check digit, and that none is given out twice."""

import contextlib
import threading
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hms_server.patient import uhid


def _luhn_holds(digits):
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def test_a_known_number():
    assert uhid.check_digit("7992739871") == 3
    assert uhid.format_uhid("CC", 8, 17) == "CC000000174"


@given(st.integers(0, 10**13))
def test_every_number_passes_the_check(number):
    assert _luhn_holds(uhid.format_uhid("", 8, number))


@given(st.integers(0, 10**8 - 1), st.integers(0, 8), st.integers(1, 9))
def test_every_wrong_digit_is_found(number, place, off):
    digits = list(uhid.format_uhid("", 8, number))
    digits[place] = str((int(digits[place]) + off) % 10)
    assert not _luhn_holds("".join(digits))


class _Counter:
    """A database whose counter is a number."""

    def __init__(self):
        self.following = 1
        self.lock = threading.Lock()

    @contextlib.contextmanager
    def tenant_transaction(self, tenant_id, call=None):
        yield self

    def queue(self, query, **parameters):
        if "block" not in parameters:
            return SimpleNamespace(first=SimpleNamespace(uhid_prefix="H", uhid_digits=8))
        with self.lock:
            first = self.following
            self.following += parameters["block"]
        return SimpleNamespace(first=SimpleNamespace(first_number=first))


@pytest.mark.parametrize("threads", [1, 8])
def test_threads_and_processes_never_share_a_number(threads):
    counter = _Counter()
    processes = [uhid.UhidAllocator(counter) for _ in range(2)]
    taken = []

    def take(allocator):
        taken.extend(allocator.take("t") for _ in range(200))

    workers = [threading.Thread(target=take, args=(a,)) for a in processes for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert len(set(taken)) == len(taken) == 400 * threads
