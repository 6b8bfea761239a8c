"""A store as a page while it runs, and as a folder that any web host can carry."""
