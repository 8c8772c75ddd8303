"""timm and segmentation-models-pytorch come in, whatever torchvision's wheel was built for."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import pytest

from delineate.core.errors import DelineateError
from delineate.models import torchvision_import
from delineate.models.torchvision_import import import_smp, import_timm


def run(program: str) -> str:
    """What a fresh interpreter prints, where every warning is an error."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_networks_run_in_a_fresh_interpreter():
    """Both packages come in without a warning, as themselves, and their networks compute."""
    program = """
import torch
from delineate.models.torchvision_import import import_smp, import_timm
smp, timm = import_smp(), import_timm()
network = smp.Unet("resnet18", encoder_weights=None).eval()
print(smp.__name__, timm.__name__, tuple(network(torch.zeros(1, 3, 32, 32)).shape))
"""
    assert run(program) == "segmentation_models_pytorch timm (1, 1, 32, 32)"


def test_half_an_import_heals():
    """An import of torchvision that failed before leaves nothing that stays broken."""
    program = """
import sys
for package in ("torchvision", "timm"):
    try:
        __import__(package)
    except RuntimeError:
        assert any(name.startswith(package + ".") for name in sys.modules)
from delineate.models.torchvision_import import import_timm
timm = import_timm()
import torchvision
print(torchvision.models.resnet18.__name__, timm.data.__name__, timm.layers.__name__)
print(torchvision.ops.nms.__name__, timm is import_timm())
for name in list(sys.modules):
    package, _, part = name.rpartition(".")
    if package.partition(".")[0] in ("torchvision", "timm"):
        if not hasattr(sys.modules[package], part):
            print(name, "does not hang below its package")
"""
    assert run(program) == "resnet18 timm.data timm.layers\nnms True"


def test_catalogue_needs_neither_package():
    """Naming networks is quick: neither package comes in before a network asks for it."""
    program = """
import sys
import delineate.models.catalogue, delineate.models.encoder_weights
print([name for name in torch_free if name in sys.modules])
""".replace("torch_free", "('timm', 'torchvision', 'segmentation_models_pytorch')")
    assert run(program) == "[]"


def test_missing_package_has_a_remedy(monkeypatch):
    """Without the package the error says what to install."""

    def import_module(name: str) -> ModuleType:
        raise ModuleNotFoundError(f"No module named '{name}'", name=name)

    monkeypatch.setattr(torchvision_import, "import_module", import_module)
    monkeypatch.delitem(sys.modules, "timm", raising=False)
    monkeypatch.delitem(sys.modules, "segmentation_models_pytorch", raising=False)
    with pytest.raises(DelineateError, match="pip install timm"):
        import_timm()
    with pytest.raises(DelineateError, match="pip install segmentation-models-pytorch"):
        import_smp()


@pytest.mark.parametrize(
    "error", [RuntimeError("out of memory"), ModuleNotFoundError("x", name="x")]
)
def test_other_faults_stay_what_they_are(monkeypatch, error):
    """Only the missing operators are mended, and only these packages called missing."""

    def import_module(name: str) -> ModuleType:
        raise error

    monkeypatch.setattr(torchvision_import, "import_module", import_module)
    monkeypatch.delitem(sys.modules, "timm", raising=False)
    with pytest.raises(type(error), match=str(error)):
        import_timm()


def test_a_whole_torchvision_is_left_alone(monkeypatch):
    """Where the import works, nothing is declared."""
    declared = []
    monkeypatch.setattr(torchvision_import, "import_module", ModuleType)
    monkeypatch.setattr(torchvision_import, "_declare_operators", lambda: declared.append(1))
    monkeypatch.delitem(sys.modules, "timm", raising=False)
    assert import_timm().__name__ == "timm"
    assert not declared
