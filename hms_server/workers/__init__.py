"""The processes beside the server: RQ workers and cron."""
