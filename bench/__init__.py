"""Measures the running system: `scripts/bench` (docs/performance.md)."""
