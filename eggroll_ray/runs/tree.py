"""The structure of a pytree in JSON, so that its arrays can be put together again without the code that made it.

A leaf is null, a dictionary is an object, a list is an array, and a tuple is an object whose only name is "()". Trees
with other nodes, such as named tuples or modules, have no description: whoever loads them gives a tree like them.
"""

from collections.abc import Mapping
from typing import Any

_TUPLE = "()"


def described(tree: Any) -> Any:
    """Returns the structure of a tree, None where it is a leaf, or holds nodes that are not described."""
    try:
        return _described(tree)
    except TypeError:
        return None


def _described(tree: Any) -> Any:
    if hasattr(tree, "shape"):
        return None
    if type(tree) is dict and all(
        isinstance(name, str) and name not in ("", _TUPLE) and "/" not in name for name in tree
    ):
        return {name: _described(part) for name, part in tree.items()}
    if type(tree) is list:
        return [_described(part) for part in tree]
    if type(tree) is tuple:
        return {_TUPLE: [_described(part) for part in tree]}
    raise TypeError


def put_together(structure: Any, arrays: Mapping[str, Any], path: str) -> Any:
    """Returns the tree of a structure.

    Args:
      structure: what `described` has returned.
      arrays: by their paths, joined by slashes.
      path: of the whole tree.

    Raises:
      KeyError: when an array is missing.
    """
    if structure is None:
        return arrays[path]
    if isinstance(structure, list):
        return [put_together(part, arrays, f"{path}/{i}") for i, part in enumerate(structure)]
    if [*structure] == [_TUPLE]:
        return tuple(put_together(structure[_TUPLE], arrays, path))
    return {name: put_together(part, arrays, f"{path}/{name}") for name, part in structure.items()}
