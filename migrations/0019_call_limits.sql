-- What a hospital's calls may be at most, beside how often it may call: {"concurrent_calls": 20,
-- "max_request_bytes": 1048576, "max_stream_bytes": 8388608}. What is left out is the server's own limit.
ALTER TABLE tenant ADD COLUMN call_limits jsonb NOT NULL DEFAULT '{}';
