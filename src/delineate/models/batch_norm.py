"""Batch normalisation where a batch may hold a single value a channel."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

# By how much running statistics follow a batch: torch's own. EfficientNet's authors take 0.01, for
# hundreds of thousands of steps; a short training would predict by what it began with.
MOMENTUM = 0.1


class PatientBatchNorm(nn.BatchNorm2d):
    """Batch normalisation that trains on a single value a channel, too.

    A batch of one image that was pooled to a single cell has no variance. torch refuses it;
    this takes the running statistics, as in evaluation, and leaves them as they are. Every
    other batch is normalised as usual.
    """

    def forward(self, x: Tensor) -> Tensor:
        """The normalised (N, C, H, W) maps."""
        if self.training and x.numel() == x.shape[1]:
            return F.batch_norm(
                x, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps
            )
        return super().forward(x)


def with_patient_batch_norm(network: nn.Module) -> None:
    """Replace every plain 2-D batch normalisation within, keeping names and values.

    Running statistics follow by `MOMENTUM`, whatever they did before.
    """
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if type(child) is nn.BatchNorm2d:
                setattr(parent, name, _patient(child))


def _patient(norm: nn.BatchNorm2d) -> PatientBatchNorm:
    patient = PatientBatchNorm(
        norm.num_features,
        eps=norm.eps,
        momentum=MOMENTUM,
        affine=norm.affine,
        track_running_stats=norm.track_running_stats,
    )
    patient.load_state_dict(norm.state_dict())
    return patient.train(norm.training)
