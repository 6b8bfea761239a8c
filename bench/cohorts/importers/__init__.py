"""Importers: from a public collection, a hospital's export or a table to a cohort folder."""
