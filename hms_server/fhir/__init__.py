"""FHIR R4: takes bundles of other systems over, and sends files of them to the server."""
