"""Masks as they encode classes: everything that other floors need, under one name.

`read_raw_mask` reads values, `describe` and `propose` say what they probably mean,
`decode` and `read_mask` turn them into labels by a given `MaskEncoding`.
"""

from delineate.files.class_tables import read_class_table, write_class_table
from delineate.files.encoding_proposals import Proposal, propose, write_colour_table
from delineate.files.encoding_text import MaskEncoding
from delineate.files.mask_decoding import decode, read_mask
from delineate.files.mask_findings import MaskFinding, describe
from delineate.files.raw_mask import RawMask, read_raw_mask

__all__ = [
    "MaskEncoding",
    "MaskFinding",
    "Proposal",
    "RawMask",
    "decode",
    "describe",
    "propose",
    "read_class_table",
    "read_mask",
    "read_raw_mask",
    "write_class_table",
    "write_colour_table",
]
