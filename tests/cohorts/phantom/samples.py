"""A phantom of a few cases."""

FEW = {"A": 3, "C": 2, "D": 2}
