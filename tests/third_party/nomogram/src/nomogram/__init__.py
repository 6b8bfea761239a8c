"""Regression on clinical covariates."""
