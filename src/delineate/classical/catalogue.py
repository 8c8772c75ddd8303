"""Every method from before deep learning, by the name that recipes and models use."""

from __future__ import annotations

from delineate.classical.clusters import KMeans, Mixture
from delineate.classical.method import Method
from delineate.classical.otsu import Otsu
from delineate.classical.regions import Spectral, Watershed
from delineate.classical.ridges import Frangi, Sato
from delineate.classical.two_sided import ChanVese, Edges
from delineate.core.errors import unknown_name

METHODS: dict[str, type[Method]] = {
    "otsu": Otsu,
    "kmeans": KMeans,
    "gmm": Mixture,
    "edges": Edges,
    "watershed": Watershed,
    "spectral": Spectral,
    "chan-vese": ChanVese,
    "frangi": Frangi,
    "sato": Sato,
}


def find_method(name: str) -> type[Method]:
    """The method of a name.

    Raises:
        SettingsError: there is none; the nearest is proposed.
    """
    if name not in METHODS:
        raise unknown_name("method", name, METHODS)
    return METHODS[name]
