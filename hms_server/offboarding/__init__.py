"""A hospital leaves: everything it has is exported, then erased, with a certificate of what was removed.

Run by the operator's command line (`hms tenant`) as the owner of the schema: no role of servers or workers
can read every table of a tenant, let alone delete from it, and none is given that for this.
Also here, since it goes by the same catalog of tables: `hms audit move`.
"""
