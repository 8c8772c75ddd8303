"""Masks as they encode classes: everything that other floors need, under one name.

`read_raw_mask` reads values, `describe` and `propose` say what they probably mean,
`decode` and `read_mask` turn them into labels by a given `MaskEncoding`.
"""

from delineate.files.encoding_text import MaskEncoding

__all__ = ["MaskEncoding"]
