"""The audit: from the outbox into the chained events, their proof, and the API that reads them."""
