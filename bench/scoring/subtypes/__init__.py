"""Molecular subtypes derived from the predicted biomarkers."""
