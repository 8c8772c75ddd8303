"""timm and segmentation-models-pytorch, also beside a torchvision whose operators are missing.

torchvision's wheel on PyPI is built against torch with CUDA. Beside a CPU-only torch its
compiled operators do not load, and its import fails with "operator torchvision::nms does not
exist", because it describes two operators that nobody declared. Declaring their schemas is
enough for networks; calling `nms` itself still fails, and nothing here does.
"""

from __future__ import annotations

import sys
import warnings
from importlib import import_module
from types import ModuleType
from typing import Any

import torch

from delineate.core.errors import DelineateError

_PACKAGES = {
    "torchvision": "torchvision",
    "timm": "timm",
    "segmentation_models_pytorch": "segmentation-models-pytorch",
}
_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_OPERATORS = ("nms", "qnms")
_libraries: list[Any] = []
"""Declarations end with the library that made them, so it is kept."""


def import_timm() -> ModuleType:
    """The module `timm`.

    Raises:
        DelineateError: it, or torchvision below it, is not installed.
    """
    return _imported("timm")


def import_smp() -> ModuleType:
    """The module `segmentation_models_pytorch`.

    Raises:
        DelineateError: it, or timm or torchvision below it, is not installed.
    """
    return _imported("segmentation_models_pytorch")


def _imported(name: str) -> ModuleType:
    if name in sys.modules:
        return sys.modules[name]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of packages below, about themselves
        try:
            return import_module(name)
        except ModuleNotFoundError as error:
            missing = _PACKAGES.get(error.name or "")
            if missing is None:
                raise
            raise DelineateError(
                f"networks with a named encoder need the package {missing}, which is not "
                f"installed; run: pip install {missing}"
            ) from error
        except RuntimeError as error:
            if "operator torchvision::" not in str(error):
                raise
        _declare_operators()
        _forget_half_imports()
        return import_module(name)


def _declare_operators() -> None:
    """Those of torchvision's two operators that are missing."""
    make: Any = torch.library.Library  # without types in torch
    library = make("torchvision", "FRAGMENT")
    for operator in _OPERATORS:
        if not hasattr(torch.ops.torchvision, operator):
            library.define(operator + _SCHEMA)
    _libraries.append(library)


def _forget_half_imports() -> None:
    """Drop what a failed import left: parts whose package is not there."""
    for name in list(sys.modules):
        package = name.partition(".")[0]
        if package in _PACKAGES and package not in sys.modules:
            del sys.modules[name]
