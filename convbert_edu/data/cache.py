"""Where fetched files are kept."""

import os
from pathlib import Path

import platformdirs


def cache_folder() -> Path:
    """Return the folder for fetched files: `CONVBERT_EDU_CACHE` if set, else the user's own cache folder."""
    chosen = os.environ.get("CONVBERT_EDU_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    return Path(platformdirs.user_cache_dir("convbert-edu", appauthor=False))
