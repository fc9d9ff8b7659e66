"""Recipes: JSON that says how a record was made, so that it can be made again from the files of a run.

A recipe names a function of this package and its arguments. It never names a module, because a file must not decide
which code runs. A record that holds a user's own code has no recipe.
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
      name: name of the function, or of what the function was asked to make.
      arguments: its arguments as JSON.
      made: the original fields of the record. If the record was changed afterwards, for example by `_replace`, its
        fields differ from these and the recipe is no longer valid.
    """

    name: str
    arguments: Mapping[str, Any]
    made: tuple[Any, ...]


def with_recipe(record: Any, name: str, arguments: Mapping[str, Any]) -> Any:
    """Returns a record with its recipe, or the record unchanged if the arguments cannot be written as JSON.

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
    """Returns the recipe of a record as JSON; None if it has none, or was changed since it was made."""
    recipe = record.recipe
    if recipe is None or not all(map(_unchanged, recipe.made, _others(record))):
        return None
    return {"name": recipe.name, "arguments": dict(recipe.arguments)}


def to_json(value: Any) -> Any:
    """Returns a value as JSON from which `from_json` makes the same value.

    Raises:
      TypeError: if JSON has no such type.
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
