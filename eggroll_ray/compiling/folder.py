"""This package's folder in the user's cache. Importing this module imports no JAX."""

import os
from pathlib import Path

SETTING = "EGGROLL_RAY_CACHE"  # environment variable: "off", or another folder


def cache_folder() -> Path | None:
    """Returns this package's folder in the user's cache: EGGROLL_RAY_CACHE, or `$XDG_CACHE_HOME` or `~/.cache`.

    The folder may not exist yet. The result is None if the cache is turned off or the user has no home folder.

    Raises:
      ValueError: when EGGROLL_RAY_CACHE is neither "off" nor an absolute path.
    """
    given = os.environ.get(SETTING, "")
    if given == "off":
        return None
    if given:
        if not (folder := Path(given)).is_absolute():
            raise ValueError(f'{SETTING}={given!r} must be "off" or an absolute path of a folder.')
        return folder
    cache = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if not cache.is_absolute():  # the XDG standard says to ignore such a value
        try:
            cache = Path.home() / ".cache"
        except RuntimeError:  # a user without a home
            return None
    return cache / "eggroll_ray"
