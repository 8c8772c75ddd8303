"""Sums of losses by name, their arguments, and what is refused."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from delineate.core.errors import SettingsError
from delineate.losses.border import border_weighted_cross_entropy
from delineate.losses.catalogue import CLASSIFIER_LOSSES, LOSSES, arguments_of, weighted_sum
from delineate.losses.entropy import cross_entropy, focal
from delineate.losses.overlap import dice, tversky
from delineate.losses.settings import LossTerm
from delineate.losses.skeleton import cldice


@pytest.fixture
def case() -> tuple[Tensor, Tensor]:
    """Random logits and labels of two images."""
    rng = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 1, 9, 10, generator=rng)
    return logits, torch.randint(0, 2, (2, 9, 10), generator=rng).to(torch.uint8)


def test_it_is_the_sum(case):
    """Each part counts times its weight, given as a number, a table or a term."""
    terms = {
        "cross_entropy": 0.5,
        "dice": {"weight": 2.0},
        "focal": LossTerm(weight=3.0),
        "cldice": {},
    }
    expected = 0.5 * cross_entropy(*case) + 2 * dice(*case) + 3 * focal(*case) + cldice(*case)
    torch.testing.assert_close(weighted_sum(terms)(*case), expected)


@pytest.mark.parametrize(
    ("name", "arguments", "loss"),
    [
        ("focal", {"gamma": 1.0, "alpha": 0.3}, focal),
        ("tversky", {"alpha": 0.1, "beta": 2.0}, tversky),
        ("cldice", {"iterations": 1, "alpha": 0.9}, cldice),
        ("border", {"w0": 1, "sigma_px": 2.5}, border_weighted_cross_entropy),
    ],
)
def test_each_argument_arrives(name, arguments, loss, case):
    """The loss gets its arguments, and each of them changes it."""
    found = weighted_sum({name: {"weight": 2.0, **arguments}})(*case)
    torch.testing.assert_close(found, 2 * loss(*case, **arguments))
    assert set(arguments_of(name).model_fields) == set(arguments)
    for argument in arguments:
        fewer = {key: value for key, value in arguments.items() if key != argument}
        assert loss(*case, **fewer).item() != loss(*case, **arguments).item()


def test_a_weight_of_zero_is_not_reckoned(monkeypatch, case):
    """What has no weight costs no time, but its name and arguments are checked."""

    def never(logits: Tensor, labels: Tensor, *, iterations: int = 3) -> Tensor:
        raise AssertionError("reckoned")

    monkeypatch.setitem(LOSSES, "cldice", never)
    mixed = weighted_sum({"dice": 1.0, "cldice": {"weight": 0.0, "iterations": 2}})
    assert mixed(*case).item() == dice(*case).item()
    with pytest.raises(SettingsError, match="did you mean 'iterations'"):
        weighted_sum({"dice": 1.0, "cldice": {"weight": 0.0, "iteration": 2}})


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ({"dise": 1.0}, "unknown loss 'dise'; did you mean 'dice'"),
        ({"focal": {"gama": 2.0}}, "unknown argument of loss 'focal' 'gama'; did you mean 'gamma'"),
        ({"dice": {"wieght": 2.0}}, "did you mean 'weight'"),
        (
            {"focal": {"gamma": -1.0}},
            r"^loss\.focal\.gamma: .*greater than or equal to 0, found -1",
        ),
        ({"focal": {"gamma": "high"}}, r"loss\.focal\.gamma: .*valid number, found 'high'"),
        ({"focal": {"gamma": True}}, r"loss\.focal\.gamma: .*valid number, found True"),
        ({"focal": {"gamma": float("nan")}}, r"loss\.focal\.gamma: .*finite"),
        ({"focal": {"alpha": 1.5}}, r"loss\.focal\.alpha: .*less than or equal to 1, found 1.5"),
        ({"tversky": {"alpha": 0.0}}, r"loss\.tversky\.alpha: .*greater than 0"),
        ({"tversky": {"beta": 0.0}}, r"loss\.tversky\.beta: .*greater than 0"),
        ({"cldice": {"iterations": 0}}, r"loss\.cldice\.iterations: .*greater than 0"),
        ({"cldice": {"iterations": 2.5}}, r"loss\.cldice\.iterations: .*integer, found 2.5"),
        ({"cldice": {"alpha": -0.1}}, r"loss\.cldice\.alpha: .*greater than or equal to 0"),
        ({"border": {"sigma_px": 0}}, r"loss\.border\.sigma_px: .*greater than 0, found 0"),
        ({"border": {"w0": -1}}, r"loss\.border\.w0: .*greater than or equal to 0"),
        ({"dice": -1.0}, r"loss\.dice\.weight: .*greater than or equal to 0, found -1"),
        ({"dice": "much"}, r"loss\.dice\.weight: .*valid number.*found 'much'"),
        ({"dice": float("inf")}, r"loss\.dice\.weight: .*finite"),
        (
            {"dice": 0.0, "focal": {"weight": 0}},
            "^loss: expected a loss with a weight above 0, .*found",
        ),
        ({}, "loss: .*at least 1 item"),
    ],
)
def test_wrong_terms_are_one_line(terms, message):
    """Names get the nearest proposed; values say what was expected and found."""
    with pytest.raises(SettingsError, match=message) as caught:
        weighted_sum(terms)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", LOSSES)
def test_a_classifier_gets_losses_of_images_only(name):
    """Losses of areas are refused before anything is trained."""
    if name in CLASSIFIER_LOSSES:
        loss = weighted_sum({name: 1.0}, task="classify")
        assert loss(torch.zeros(3, 2), torch.tensor([0, 1, 1])).item() > 0
    else:
        with pytest.raises(SettingsError, match=f"loss '{name}': .*expected cross_entropy"):
            weighted_sum({name: 1.0}, task="classify")


@pytest.mark.parametrize("name", LOSSES)
def test_defaults_are_allowed(name):
    """What a loss does by itself lies within its own bounds."""
    arguments_of(name).model_validate(arguments_of(name)().model_dump())
