"""``python -m bench``."""

from bench.cli import main

# A spawned worker process imports this module again.
if __name__ == "__main__":
    main()
