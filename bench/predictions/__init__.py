"""The table of predictions, which what runs methods writes and what scores them starts from."""
