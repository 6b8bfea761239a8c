"""The run store: what was run, what it predicted and what it was made with."""
