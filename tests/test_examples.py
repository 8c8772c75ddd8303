"""The examples in docstrings."""

from __future__ import annotations

import doctest
from importlib import import_module
from pkgutil import walk_packages

import pytest

import delineate

MODULES = [each.name for each in walk_packages(delineate.__path__, "delineate.")]


@pytest.mark.parametrize("name", MODULES)
def test_examples_print_what_they_say(name: str) -> None:
    """Every example of a module gives the output that stands below it."""
    assert doctest.testmod(import_module(name)).failed == 0


def test_there_are_examples() -> None:
    """The walk really finds modules with examples."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    found = [
        example
        for name in ("delineate.core.errors", "delineate.core.seeds", "delineate.metrics.counts")
        for test in finder.find(import_module(name))
        for example in test.examples
    ]
    assert len(found) >= 3
