"""From a folder of images and masks to a segmentation model whose numbers you can believe.

The verbs of the command line, as functions. They load on first use, so that
`import delineate` costs nothing and torch stays out until a network is needed.
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

__version__ = version("delineate")

_HOME = {
    "open_dataset": "delineate.data.opening",
    "inspect": "delineate.workflows.inspect",
    "audit": "delineate.workflows.audit",
    "split": "delineate.workflows.split",
    "plan": "delineate.workflows.plan",
    "train": "delineate.workflows.train",
    "evaluate": "delineate.workflows.evaluate",
    "score": "delineate.workflows.score",
    "predict": "delineate.workflows.predict",
    "measure": "delineate.workflows.measure",
    "queue": "delineate.workflows.queue",
    "ReviewLog": "delineate.auditing.review.review_log",
    "serve": "delineate.web.running",
    "phantoms": "delineate.workflows.phantoms",
    "import_weights": "delineate.workflows.import_weights",
    "load_model": "delineate.inference.model",
    "load_classifier": "delineate.inference.classifier",
    "DelineateError": "delineate.core.errors",
}

__all__ = ["__version__", *_HOME]

if TYPE_CHECKING:
    from delineate.auditing.review.review_log import ReviewLog as ReviewLog
    from delineate.core.errors import DelineateError as DelineateError
    from delineate.data.opening import open_dataset as open_dataset
    from delineate.inference.classifier import load_classifier as load_classifier
    from delineate.inference.model import load_model as load_model
    from delineate.web.running import serve as serve
    from delineate.workflows.audit import audit as audit
    from delineate.workflows.evaluate import evaluate as evaluate
    from delineate.workflows.import_weights import import_weights as import_weights
    from delineate.workflows.inspect import inspect as inspect
    from delineate.workflows.measure import measure as measure
    from delineate.workflows.phantoms import phantoms as phantoms
    from delineate.workflows.plan import plan as plan
    from delineate.workflows.predict import predict as predict
    from delineate.workflows.queue import queue as queue
    from delineate.workflows.score import score as score
    from delineate.workflows.split import split as split
    from delineate.workflows.train import train as train


def __getattr__(name: str) -> Any:
    """Load a public function when it is first asked for."""
    if name not in _HOME:
        raise AttributeError(f"module 'delineate' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    """List the public names without loading them."""
    return sorted(__all__)
