"""Where the benchmark keeps what it can make again, and where its shipped configuration lies."""

import os
from pathlib import Path

import platformdirs


def cache_dir() -> Path:
    """Folder of phantoms and crop caches: ``$BENCH_CACHE``, else the user's cache folder."""
    chosen = os.environ.get("BENCH_CACHE")
    return Path(chosen) if chosen else Path(platformdirs.user_cache_dir("dcebench", appauthor=False))


def configs_dir() -> Path:
    """Folder of the shipped splits and presets: inside the wheel, or beside the packages in a clone."""
    inside = Path(__file__).parent / "configs"
    return inside if inside.is_dir() else Path(__file__).parents[1] / "configs"
