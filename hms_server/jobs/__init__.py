"""Background jobs as seen from those who ask for them: queues, nudges, the dead-letter list.

The jobs themselves run in hms_server/workers/. Payloads are JSON and hold ids only.
"""
