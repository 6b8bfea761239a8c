"""What runs in the process of a method that has an environment of its own."""
