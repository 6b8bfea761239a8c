"""The audit: leaks and confounders of cohort, split and predictions, each named with a remedy."""
