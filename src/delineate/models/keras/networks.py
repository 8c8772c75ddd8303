"""Every network whose Keras weights can be taken over, by timm's name for it."""

from __future__ import annotations

from dataclasses import dataclass

from delineate.models.keras.densenet import densenet121_body, densenet121_top
from delineate.models.keras.layers import Place
from delineate.models.keras.vgg import vgg16_body, vgg16_top


@dataclass(frozen=True)
class Network:
    """The places of a network's layers, those of its top apart, since files may lack it.

    `preprocessing` names what keras.applications trained it with.
    """

    name: str
    body: tuple[Place, ...]
    top: tuple[Place, ...]
    preprocessing: str


NETWORKS: dict[str, Network] = {
    "densenet121": Network("densenet121", densenet121_body(), densenet121_top(), "imagenet"),
    "vgg16": Network("vgg16", vgg16_body(), vgg16_top(), "caffe"),
}
