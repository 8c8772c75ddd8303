"""Mean and deviation of colours, by which networks normalise images."""

from __future__ import annotations

Colours = tuple[float, float, float]
"""A number each for red, green and blue, of images from 0 to 1."""

IMAGENET_COLOURS: tuple[Colours, Colours] = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
"""Mean and deviation of ImageNet's training images.

Source: torchvision's pretrained models, whose numbers timm and Keras' mode "torch" share.
"""
