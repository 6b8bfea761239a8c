"""A network on three planes through the lesion."""
