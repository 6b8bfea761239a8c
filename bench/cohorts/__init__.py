"""Cohorts: cases with declared tasks, read from a folder or made as a phantom."""
