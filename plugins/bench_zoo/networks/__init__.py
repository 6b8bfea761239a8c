"""A package for each paper."""
