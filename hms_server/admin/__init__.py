"""The hospitals on the platform and their settings."""
