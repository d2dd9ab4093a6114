"""How soon a change is in force on every process, as docs/security.md publishes it.

These are promises: what is kept anywhere of callers and rules takes its life from here, and
tests/integration/test_published_bounds.py tries each.
"""

from __future__ import annotations

# With Redis: roles, permissions, sessions, users, tenants and limits are refused or changed on the next call
# after the change's answer; rules of addresses are pushed. The longest time that is ever to pass.
IN_FORCE_SECONDS = 1.0

# With Redis away, or where a publication was lost: from when it was read, what is known of a caller stands
# no longer than this.
WITHOUT_REDIS_SECONDS = 60

# The same for rules of addresses.
ADDRESS_RULES_SECONDS = 30
