"""The patient registry: records, their history, search, duplicate candidates, UHIDs."""
