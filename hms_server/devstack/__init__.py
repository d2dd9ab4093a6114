"""The development stack: PostgreSQL, Redis, Envoy and every process of HMS on one machine.

`scripts/run` and the tests use it. Production does not: there the same `hms` commands are run by
whatever runs the services of the house, with the addresses of real servers in their environment.
"""
