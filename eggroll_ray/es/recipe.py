"""Recipes: how a record was made, in JSON, so that it can be made again from the files of a run.

A recipe names a function of ours and its arguments. It never names a module: what a file says must not decide which
code is run. What holds code of a user's own has no recipe.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from eggroll_ray.es.numbers import plain

_TUPLE = "()"  # the only name of an object that stands for a tuple


@dataclasses.dataclass(frozen=True, eq=False)
class Recipe:
    """How a record was made.

    Attributes:
      name: of the function, or of what it was asked for.
      arguments: in JSON.
      made: the fields of the record as they were made. A record that was changed afterwards, as by `_replace`, has
        others, and its recipe does not hold any more.
    """

    name: str
    arguments: Mapping[str, Any]
    made: tuple[Any, ...]


def with_recipe(record: Any, name: str, arguments: Mapping[str, Any]) -> Any:
    """Returns a record with its recipe, or as it is where the arguments cannot be written as JSON.

    Args:
      record: a named tuple with a field `recipe`.
      name: see `Recipe`.
      arguments: numbers, text, None, and lists, tuples and mappings of them.
    """
    try:
        coded = {key: to_json(value) for key, value in arguments.items()}
    except TypeError:
        return record
    return record._replace(recipe=Recipe(name, coded, _others(record)))


def recipe_of(record: Any) -> dict[str, Any] | None:
    """Returns the recipe of a record as JSON, None if it has none or was changed since it was made."""
    recipe = record.recipe
    if recipe is None or not all(map(_unchanged, recipe.made, _others(record))):
        return None
    return {"name": recipe.name, "arguments": dict(recipe.arguments)}


def to_json(value: Any) -> Any:
    """Returns a value as JSON that `from_json` makes the same value of.

    Raises:
      TypeError: when it is of a kind that JSON does not know.
    """
    value = plain(value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list):
        return [to_json(one) for one in value]
    if type(value) is tuple:
        return {_TUPLE: [to_json(one) for one in value]}
    if isinstance(value, Mapping) and all(isinstance(key, str) and key != _TUPLE for key in value):
        return {key: to_json(one) for key, one in value.items()}
    raise TypeError(f"{value!r} cannot be written as JSON.")


def from_json(value: Any) -> Any:
    """Returns what `to_json` was given."""
    if isinstance(value, list):
        return [from_json(one) for one in value]
    if isinstance(value, dict):
        if [*value] == [_TUPLE]:
            return tuple(from_json(value[_TUPLE]))
        return {key: from_json(one) for key, one in value.items()}
    return value


def _others(record: Any) -> tuple[Any, ...]:
    return tuple(value for name, value in zip(record._fields, record, strict=True) if name != "recipe")


def _unchanged(before: Any, after: Any) -> bool:
    return before is after or (isinstance(before, str | int) and before == after)
