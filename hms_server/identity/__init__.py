"""Who may enter: sessions, users, roles, permissions."""
