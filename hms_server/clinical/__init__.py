"""The clinical record: encounters and everything that belongs to them or to a patient."""
