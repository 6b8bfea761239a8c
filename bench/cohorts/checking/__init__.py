"""Violations in the tables and images of a cohort, each with a remedy."""
