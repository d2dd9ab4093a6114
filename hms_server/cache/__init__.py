"""What is kept for a while: in the process, then in Redis."""
