"""eggroll_ray: evolution strategies with low-rank perturbations, distributed with Ray, in JAX.

Importing it neither imports Ray nor starts a JAX backend. It does not even import JAX, which takes two seconds, until
one of its names is used: that is what lets the command line answer at once. The names are those of `eggroll_ray.api`.
"""

import importlib
from typing import TYPE_CHECKING, Any

from eggroll_ray.compiling.threads import use_two_or_more

if TYPE_CHECKING:
    from eggroll_ray.api import *  # noqa: F403
    from eggroll_ray.api import __all__ as __all__

__version__ = "0.1.0"

use_two_or_more()  # before any backend starts


def __getattr__(name: str) -> Any:
    """Loads the public names when the first of them is asked for."""
    if name.startswith("__") and name != "__all__":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    api = importlib.import_module("eggroll_ray.api")
    found = {public: getattr(api, public) for public in api.__all__} | {"__all__": api.__all__}
    globals().update(found)
    try:
        return globals()[name]  # or a package below this one, which the line above has loaded
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None


def __dir__() -> list[str]:
    return sorted({*globals(), *__getattr__("__all__")})
