"""Committed boards: written beside the predictions that they were made from, and recomputed from them."""
