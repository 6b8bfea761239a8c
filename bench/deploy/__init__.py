"""Fitted models out of a store, and their predictions for exams that nobody has labelled."""
