-- The audit can stand in a database of its own (docs/decisions/0019-separate-audit-database.md). Every table is
-- in both databases; which of them is used is told by this mark.

-- In the main database, of a chain that stands in the audit database: the row is the tenant's lock, and its
-- sequence and hash are what the chain came to with the last batch that left the outbox. A chain that is
-- shorter than that has lost its end.
ALTER TABLE audit_chain ADD COLUMN elsewhere boolean NOT NULL DEFAULT false;

-- So that a server that was not told of the audit's database says so, and shows no empty audit.
GRANT SELECT (tenant_id, sequence, elsewhere) ON audit_chain TO hms_app;
