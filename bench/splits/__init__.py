"""Who learns, who validates and who is tested."""
