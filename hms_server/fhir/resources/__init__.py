"""One module for each group of FHIR types: what of a resource goes into which fields."""
