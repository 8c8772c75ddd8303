"""`python -m benchmarks.preflight_pairs DATA ...`: how sure a preflight is of masks.

Of at most 120 cases of train and validation, in the order of files and without those of other
parts, prints for each data set: the mean correlation of masks with those that images foretell as
they are, one file off, and with that brought back; a mask beside its own image and beside others,
right and after three shuffles; and in how many masks of one class the signs of inversion stand, as
drawn and with foreground and background exchanged. DATA,ENCODING says how masks are encoded.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from delineate.auditing.soundness.foretelling import Glance
from delineate.auditing.soundness.inversion import sign_of_inversion
from delineate.auditing.soundness.pairings import compared, shifted_pairings, turned_pairings
from delineate.auditing.soundness.pixel_features import pixel_features
from delineate.auditing.soundness.strangers import beside_strangers
from delineate.core.types import IGNORE
from delineate.data.masks import settle_encodings
from delineate.data.opening import open_dataset
from delineate.data.reading import read_case
from delineate.data.sample import TEST
from delineate.inference.field_of_view import field_of_view
from delineate.workflows.preflight_looks import shares_of

_MOST, _MOST_CLASSES, _SHUFFLES = 120, 4, 3


def main(source: str) -> None:
    """Print the lines of one data set."""
    path, _, encoding = source.partition(",")
    dataset = open_dataset(path, masks=encoding or None)
    observer = dataset.observers[0]
    kept = [s for s in dataset.samples if s.split != TEST and observer in s.masks][:_MOST]
    dataset = settle_encodings(replace(dataset, samples=tuple(kept)), observers=(observer,))
    cases = [read_case(dataset, sample, (observer,)) for sample in kept]
    drawn = [case.labels[observer] for case in cases]
    counts = np.bincount(np.concatenate([each[each != IGNORE] for each in drawn]))
    classes = sorted(np.argsort(-counts[1:])[:_MOST_CLASSES] + 1)
    features = [pixel_features(case.image) for case in cases]
    targets = [shares_of(each, classes, is_overlapping=False) for each in drawn]
    count = len(cases)

    def glances(order: Sequence[int]) -> list[Glance]:
        return [Glance(at, features[at], targets[of]) for at, of in enumerate(order)]

    ways = [*shifted_pairings([sample.id for sample in kept]), *turned_pairings()]
    for name, off in (("as they are", 0), ("one file off", 1)):
        best = compared(glances([(at + off) % count for at in range(count)]), ways)[0]
        print(
            f"{path}: {name}: {best.given:.2f}; best other {best.other:.2f} "
            f"({best.spreads:.1f} standard errors, {best.masks} masks, "
            f"{'stops' if best.is_clearly_better else 'passes'}): {best.pairing.words}"
        )
    orders = [("right", list(range(count)))]
    for seed in range(_SHUFFLES):
        shuffled = np.random.default_rng(seed).permutation(count)
        orders.append((f"shuffle {seed}", [int(each) for each in shuffled]))
    for name, order in orders:
        found = beside_strangers(glances(order))
        if found is not None:
            print(
                f"{path}: {name}: own {found.own:.2f}, others {found.others:.2f}, "
                f"{found.spreads:.1f} standard errors, {found.masks} masks"
            )
    both = [
        (each, field_of_view(case.image))
        for each, case in zip(drawn, cases, strict=True)
        if (each == 0).any() and ((each > 0) & (each != IGNORE)).any()
    ]
    right = [sign_of_inversion((each > 0).astype(np.uint8), view) for each, view in both]
    wrong = [sign_of_inversion((each == 0).astype(np.uint8), view) for each, view in both]
    print(
        f"{path}: signs of inversion as drawn in {sum(s is not None for s in right)}, exchanged in "
        f"{sum(s is not None for s in wrong)} of {len(both)} masks"
    )


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: python -m benchmarks.preflight_pairs DATA[,ENCODING]...")
    for each in sys.argv[1:]:
        main(each)
