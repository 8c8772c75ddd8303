"""What the processor can do decides the precision, not a timing."""

from __future__ import annotations

from pathlib import Path

import torch

from delineate.training.settings import Precision


def choose_precision(asked: Precision, device: str) -> tuple[str, str]:
    """`float32` or `bfloat16`, and the reason in words."""
    if asked != "auto":
        return asked, "asked for"
    if torch.device(device).type == "cuda":
        if torch.cuda.is_bf16_supported(including_emulation=False):
            return "bfloat16", "the GPU computes in bfloat16"
        return "float32", "the GPU does not compute in bfloat16"
    if _processor_flags() & {"avx512_bf16", "amx_bf16", "bf16"}:
        return "bfloat16", "the processor has bfloat16 instructions"
    return "float32", "the processor has no bfloat16 instructions"


def _processor_flags() -> frozenset[str]:
    """Instruction sets as Linux lists them (x86 `flags`, Arm `Features`); else none."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return frozenset()
    for line in lines:
        name, _, value = line.partition(":")
        if name.strip() in ("flags", "Features"):
            return frozenset(value.split())
    return frozenset()
