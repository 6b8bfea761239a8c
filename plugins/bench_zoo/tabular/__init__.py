"""Models of tables: covariates and features."""
