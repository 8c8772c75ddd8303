"""`python -m benchmarks [NAME ...]`: our speed beside that of others, in turns.

Run it alone on the machine: OpenMP threads slow down ten-fold when something else
takes a core. Peers come with `pip install delineate[dev]`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

from delineate.core.errors import unknown_name

# Modules rather than functions: each brings its own heavy peers, imported when it runs.
BENCHMARKS = {
    "auc": "benchmarks.auc",
    "audit": "benchmarks.audit",
    "pair_search": "benchmarks.pair_search",
    "twin_recall": "benchmarks.twin_recall",
    "warp": "benchmarks.warp",
}
BY_NAME_ALONE = ("audit", "twin_recall")  # of many minutes: `python -m benchmarks audit`


def main(names: Sequence[str]) -> int:
    """Print the rows of the named benchmarks, or of all short ones; 2 for an unknown name."""
    for name in names:
        if name not in BENCHMARKS:
            print(unknown_name("benchmark", name, BENCHMARKS), file=sys.stderr)
            return 2
    for name in names or [each for each in BENCHMARKS if each not in BY_NAME_ALONE]:
        for row in import_module(BENCHMARKS[name]).run():
            print(row, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
