"""Evaluations of the same cases side by side: `python -m benchmarks.paired_cases FOLDER ...`.

Prints Dice case by case, the mean over the foreground classes that have one, against the observer
of reference and inside the region where there is one; then the means, and against the first
evaluation in how many cases each other one is better.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

UNDEFINED = "undefined"
SCORE = "dice"


def case_scores(folder: Path) -> dict[str, float]:
    """Dice of each case of one evaluation, by its id; cases without a value are absent."""
    with (folder / "cases.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    first = next(row for row in rows if row["observer"])
    place = first["observer"], first["region"]
    scores = {}
    for row in rows:
        named = [cell for name, cell in row.items() if name.rpartition(": ")[2] == SCORE]
        values = [float(cell) for cell in named if cell != UNDEFINED]
        if (row["observer"], row["region"]) == place and values:
            scores[row["id"]] = sum(values) / len(values)
    return scores


def table(scores: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """A row a case that every evaluation has a value for, then means and wins."""
    first, *others = scores
    ids = [id_ for id_ in scores[first] if all(id_ in scores[other] for other in others)]
    wide = max((len(id_) for id_ in ids), default=4)
    yield " ".join([" " * wide, *(f"{name:>12.12}" for name in scores)])
    for id_ in ids:
        yield " ".join([f"{id_:<{wide}}", *(f"{each[id_]:12.3f}" for each in scores.values())])
    means = [sum(each[id_] for id_ in ids) / len(ids) for each in scores.values()]
    yield " ".join([f"{'mean':<{wide}}", *(f"{mean:12.3f}" for mean in means)])
    for other in others:
        better = sum(scores[first][id_] > scores[other][id_] for id_ in ids)
        equal = sum(scores[first][id_] == scores[other][id_] for id_ in ids)
        yield f"{first} is better than {other} in {better} of {len(ids)} cases, equal in {equal}"


def main(folders: Sequence[str]) -> int:
    """Print the table of these evaluation folders; each is called as the run that it lies in."""
    if len(folders) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    scores = {Path(each).resolve().parent.name: case_scores(Path(each)) for each in folders}
    for line in table(scores):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
