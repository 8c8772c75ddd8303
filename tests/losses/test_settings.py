"""Terms of a sum of losses as a recipe writes them."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import TypeAdapter, ValidationError

from delineate.losses.settings import LossTerm, LossTerms

TERMS: TypeAdapter[dict[str, LossTerm]] = TypeAdapter(LossTerms)


def test_numbers_and_tables_become_terms():
    """A number is a weight; a table has one of 1 unless it says another."""
    terms = TERMS.validate_python({"dice": 2, "focal": {"gamma": 1.5}, "border": {"weight": 0.5}})
    assert [term.weight for term in terms.values()] == [2.0, 1.0, 0.5]
    assert [term.arguments for term in terms.values()] == [{}, {"gamma": 1.5}, {}]


@pytest.mark.parametrize(
    "written", [{"dice": 2.0}, {"focal": {"weight": 0.5, "gamma": 1.5}, "dice": 1.0}]
)
def test_terms_are_written_as_they_were_read(written):
    """A number stays a number, and a table a table."""
    terms = TERMS.validate_python(written)
    assert TERMS.dump_python(terms, mode="json") == written
    assert TERMS.validate_python(TERMS.dump_python(terms, mode="json")) == terms


def test_arguments_without_value_are_left_out():
    """TOML knows no value of nothing: `none` is the default."""
    assert LossTerm.model_validate({"weight": 1.0, "alpha": None}) == LossTerm()


def test_terms_tell_arguments_apart():
    """Two terms are equal only with equal arguments."""
    one, other = ({"gamma": each} for each in (1.0, 2.0))
    assert LossTerm.model_validate(one) != LossTerm.model_validate(other)


def test_a_term_cannot_be_changed():
    """What was written down is what ran."""
    with pytest.raises(ValidationError, match="frozen"):
        LossTerm().weight = 2.0  # type: ignore[misc]


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({}, "at least 1 item"),
        ({"dice": 0}, "a weight above 0"),
        ({"dice": -0.5}, "greater than or equal to 0"),
        ({"dice": {"weight": float("nan")}}, "finite number"),
        ({"dice": [1.0]}, "valid number"),
        (1.0, "valid dictionary"),
    ],
)
def test_wrong_terms_are_refused(terms, message):
    """Weights are finite, none below 0, and one above."""
    with pytest.raises(ValidationError, match=message):
        TERMS.validate_python(terms)


def test_settings_need_no_torch():
    """A recipe is read without torch."""
    check = "import sys, delineate.losses.settings; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
