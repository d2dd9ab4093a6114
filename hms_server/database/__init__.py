"""PostgreSQL: the one pool, the two transactions, named SQL, pages, migrations."""
