"""Callers without a token: counted by address, and by account where they try to log in."""

from __future__ import annotations

import redis

from hms_server.gate import keys
from hms_server.gate.answers import Quota, judge, judge_wait
from hms_server.gate.local import LocalLimiter, RecentKeys
from hms_server.gate.publisher import lua
from hms_server.gate.runner import ScriptRunner
from hms_server.gate.switch import RedisSwitch
from hms_server.gate.tiers import BLOCK, DEFAULTS, FAILURES, KNOWN_SECONDS, TOKENS, UNLIMITED, Limit
from hms_server.telemetry import metrics

_LOGIN = DEFAULTS["LOGIN"]


class Strangers:
    """Limits of addresses and accounts. Without Redis this process counts for itself, without blocks."""

    def __init__(self, client: redis.Redis, switch: RedisSwitch, limiter: LocalLimiter) -> None:
        self._address = ScriptRunner(client, lua("counter.lua", "block.lua", "address.lua"))
        self._login = ScriptRunner(client, lua("counter.lua", "block.lua", "login.lua"))
        self._forgive = ScriptRunner(client, lua("forgive.lua"))
        self._switch = switch
        self._limiter = limiter
        self._known = RecentKeys()

    def check_address(self, tier: str, address: str) -> Quota:
        """A call of an address; raises RateLimited."""
        return self._count(tier, DEFAULTS.get(tier, UNLIMITED), address, blocks=False)

    def check_block(self, address: str) -> Quota:
        """Counts nothing; raises RateLimited where the address is blocked."""
        return self._count("FAILURES", UNLIMITED, address, blocks=True)

    def check_token(self, token: str, address: str) -> Quota:
        """A try of a one-time token, before anything is looked at; raises RateLimited.

        A token has as many tries as an account, and only who holds it can use them up. An address shows so
        many tokens and no more.
        """
        self._count("TOKENS", TOKENS, address, blocks=False)
        return self.check_login(f"token\0{token}", address)

    def report_failure(self, address: str) -> None:
        """Counts a failure to prove who one is; too many block the address. Raises RateLimited."""
        self._count("FAILURES", FAILURES, address, blocks=True)

    def check_login(self, account: str, address: str) -> Quota:
        """A try to log in, before the password is looked at; raises RateLimited."""
        names = keys.login(account, address)
        if self._switch.usable:
            try:
                answer = self._login(names, [*_LOGIN, *BLOCK])
                self._switch.answered()
                return judge(answer)
            except redis.RedisError as error:
                self._switch.failed(error)
        metrics.GATE_FALLBACK.labels("login").inc()
        pair, shared, known = names[0], names[3], names[6] in self._known
        calls = _LOGIN.calls if known else _LOGIN.calls - 1
        wait = self._limiter.take(pair, Limit(calls, _LOGIN.seconds))
        if not (wait or known):
            wait = self._limiter.take(shared, _LOGIN)
        return judge_wait(calls, calls - 1, _LOGIN.seconds, wait)

    def forgive(self, account: str, address: str) -> None:
        """A right password ends the count of wrong ones, and makes the address known to the account."""
        names = keys.login(account, address)
        self._limiter.forget(names[0])
        if names[6] not in self._known:
            self._known.add(names[6])
            self._limiter.give_back(names[3])
        if self._switch.usable:
            try:
                self._forgive(names, [KNOWN_SECONDS])
            except redis.RedisError as error:
                self._switch.failed(error)

    def _count(self, tier: str, limit: Limit, address: str, *, blocks: bool) -> Quota:
        if limit is UNLIMITED and not blocks:
            return Quota(0, 0, 0)
        names = keys.of_address(tier, address)
        if self._switch.usable:
            try:
                answer = self._address(names, [*limit, *(BLOCK if blocks else (0, 0, 0))])
                self._switch.answered()
                return judge(answer)
            except redis.RedisError as error:
                self._switch.failed(error)
        if limit is UNLIMITED:
            # There are no blocks here: whoever used up his failures waits until they leave the window.
            wait = self._limiter.wait(names[0], FAILURES)
            return judge_wait(FAILURES.calls, 0, FAILURES.seconds, wait) if wait else Quota(0, 0, 0)
        metrics.GATE_FALLBACK.labels("address").inc()
        return judge_wait(limit.calls, limit.calls - 1, limit.seconds, self._limiter.take(names[0], limit))
