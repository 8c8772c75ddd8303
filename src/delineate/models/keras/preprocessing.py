"""What a Keras network expects of its images, said for RGB images from 0 to 1."""

from __future__ import annotations

from dataclasses import dataclass

from delineate.core.colours import IMAGENET_COLOURS, Colours


@dataclass(frozen=True)
class Preprocessing:
    """`(image - mean) / deviation` for red, green and blue; `is_bgr` where Keras turns them."""

    mean: Colours
    deviation: Colours
    is_bgr: bool = False


PREPROCESSINGS: dict[str, Preprocessing] = {
    "imagenet": Preprocessing(*IMAGENET_COLOURS),
    "caffe": Preprocessing(
        (123.68 / 255, 116.779 / 255, 103.939 / 255), (1 / 255, 1 / 255, 1 / 255), is_bgr=True
    ),
    "unit": Preprocessing((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)),
}
"""`preprocess_input` of Keras by its mode, torch and caffe; `unit` is a mere division by 255.

Source: Keras, `applications/imagenet_utils.py`. Caffe's subtracts the mean colour from blue,
green, red of 0 to 255 and does not scale: on 0 to 1 that is a deviation of 1/255.
"""
