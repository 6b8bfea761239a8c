"""The contract that every method keeps, ours too, checked clause by clause on a small synthetic cohort."""
