"""What `bench cohort init` makes of a user's own table: a cohort.toml and a cases.csv to be read."""
