"""Several cohorts as one: what they have in common, and no patient twice."""
