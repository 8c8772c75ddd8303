"""placeholder"""
from __future__ import annotations
SIZE_PX=(584,565)
