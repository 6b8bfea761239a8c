"""Who is ahead of whom over all tasks, and how much that depends on choices."""
