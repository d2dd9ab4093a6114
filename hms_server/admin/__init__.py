"""The hospitals on the platform, their settings, and each hospital's directory."""
