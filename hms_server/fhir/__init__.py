"""FHIR R4: reads files of resources and brings their patients in through the API."""
