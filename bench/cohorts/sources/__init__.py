"""Cohorts that are no folder: how a plugin offers one, and the copy in the cache that is read."""
