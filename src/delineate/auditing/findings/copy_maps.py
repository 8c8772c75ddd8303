"""How the samples of a finding lie on each other, as its evidence says it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from delineate.auditing.copies.alignment import composed, inverted
from delineate.auditing.copies.comparison import as_matrix
from delineate.auditing.copies.records import SAME_PLACE, Twin, TwinGroup
from delineate.auditing.findings.finding import Finding
from delineate.data.sample import Sample


def has_maps(finding: Finding) -> bool:
    """Whether row k of `evidence["matrices"]` takes the first sample to sample k, for each."""
    return len(finding.evidence.get("matrices", ())) == len(finding.samples) > 1


class CopyMaps:
    """Maps between samples that copy each other, from the groups of copies they are in."""

    def __init__(self, groups: Iterable[TwinGroup], samples: Sequence[Sample]) -> None:
        self._samples = samples
        self._group_of = {samples[p].id: group for group in groups for p in group.members}

    def evidence(self, names: Sequence[str]) -> dict[str, Any]:
        """`matrices` and `twins` of these samples, as findings of copies have them.

        Nothing where they are not all copies of one picture.
        """
        first, *others = names
        group = self._group_of.get(first)
        if group is None or any(self._group_of.get(name) is not group for name in others):
            return {}
        ids = [self._samples[place].id for place in group.members]
        maps = dict(zip(ids, group.as_arrays(), strict=True))
        back = inverted(maps[first])
        matrices = [SAME_PLACE, *(as_matrix(composed(maps[name], back)) for name in others)]
        wanted = set(names)
        named = {p for p, id_ in zip(group.members, ids, strict=True) if id_ in wanted}
        return {
            "matrices": [list(matrix) for matrix in matrices],
            "twins": [
                twin_document(twin, self._samples)
                for twin in group.twins
                if {twin.first, twin.second} <= named
            ],
        }


def twin_document(twin: Twin, samples: Sequence[Sample]) -> dict[str, Any]:
    """A pair of copies in plain JSON values."""
    return {
        "first": samples[twin.first].id,
        "second": samples[twin.second].id,
        "orientation": twin.transform.orientation,
        "matrix": list(map(float, twin.transform.matrix)),
        "gain": float(twin.transform.gain),
        "offset": float(twin.transform.offset),
        "changes": list(twin.transform.changes),
        "words": twin.transform.words,
        "distance": float(twin.distance),
        "similarity": float(twin.similarity),
        "is_same_file": bool(twin.is_same_file),
    }
