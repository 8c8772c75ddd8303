"""A trained model that gives masks, alone or behind a gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any, Literal

import numpy as np

from delineate.core.errors import SettingsError, UnreadableFileError
from delineate.core.overlapping import is_class
from delineate.core.types import Image, LabelClass, Labels, Mask, Probability
from delineate.inference.asked_thresholds import require_cut, require_gate
from delineate.inference.classical_segmenter import (
    classical_segmenter,
    read_method,
    require_no_tiles,
    require_processor,
)
from delineate.inference.classifier import ImageClassifier, load_classifier
from delineate.inference.composed import parts_of
from delineate.inference.looking import Look, Seen, look_of, mean_look
from delineate.inference.model_card import Gate, ModelCard, OperatingPoint, Threshold
from delineate.inference.model_folder import CARD, changed_settings, opened, require_depth
from delineate.inference.postprocess import labels_from_probability
from delineate.inference.segmenter import Segmenter, segmenter
from delineate.inference.settings import PredictSettings
from delineate.inference.verdict import Verdict, verdict_of
from delineate.metrics.thresholds import Cut


@dataclass(frozen=True)
class Prediction:
    """Labels (H, W) and probability (C, H, W), both at the size of the image.

    Where classes overlap labels are the codes of `delineate.core.overlapping`, and `mask` gives
    the pixels of one class. Where the `gate` found nothing both are those of the background
    everywhere. `gate_s` and `segmenter_s` are seconds, None of what did not run by itself; of
    images that were predicted together each has an equal share of them.
    """

    labels: Labels
    probability: Probability
    is_overlapping: bool = False
    gate: Verdict | None = None
    gate_s: float | None = None
    segmenter_s: float | None = None

    def mask(self, index: int) -> Mask:
        """(H, W) whether a pixel belongs to the class of that index."""
        return is_class(self.labels, index, is_overlapping=self.is_overlapping)


@dataclass(frozen=True)
class Model:
    """A trained model, ready to predict.

    `look(images)` says of (H, W) or (H, W, C) images what the segmenter sees in each, whatever its
    gate would say. `gate` is a classifier that looks first; `members` are the models whose mean
    counts.
    """

    card: ModelCard
    look: Look
    predict_settings: PredictSettings
    gate: ImageClassifier | None = None
    members: tuple[Model, ...] = ()

    @property
    def classes(self) -> tuple[LabelClass, ...]:
        """The classes of its masks, background first."""
        return self.card.label_classes

    @property
    def threshold(self) -> Threshold:
        """The threshold that was chosen for it, at the depth to which it is pruned."""
        depth = self.predict_settings.depth
        return self.card.threshold if depth is None else self.card.depths[depth - 1].threshold

    @property
    def has_presence_head(self) -> bool:
        """Whether its segmenter says along with a mask if there is anything to find."""
        if self.members:
            return all(each.has_presence_head for each in self.members)
        return self.card.has_presence_head

    def probability(self, image: Image) -> Probability:
        """(C, H, W) at the size of an (H, W) or (H, W, C) image, whatever the gate would say."""
        return self.look([image])[0].probability

    def predict(
        self, image: Image, *, threshold: float | None = None, gate_threshold: float | None = None
    ) -> Prediction:
        """Labels and probability of an image, at its own size.

        Models are cut where `cut` says. A classifier as gate looks first, and where it finds
        nothing, below the card's or the given threshold, nothing is segmented.

        Raises:
            SettingsError: as `cut`, or a threshold for a gate that is not there.
        """
        return self.predict_many([image], threshold=threshold, gate_threshold=gate_threshold)[0]

    def predict_many(
        self,
        images: Sequence[Image],
        *,
        threshold: float | None = None,
        gate_threshold: float | None = None,
    ) -> list[Prediction]:
        """What `predict` gives of each image, from as few passes as their sizes allow.

        A classifier as gate looks at all of them first. Of one image the result is that of
        `predict`; of several it differs from it by rounding alone.

        Raises:
            SettingsError: as `predict`, of any of them.
        """
        chosen, gate_cut = self.cut(threshold), self.gate_cut(gate_threshold)
        verdicts, gate_s = self._classified(images, gate_cut)
        opened = [at for at, each in enumerate(verdicts) if each is None or each.is_present]
        start = perf_counter()
        seen = iter(self.look([images[at] for at in opened]) if opened else ())
        segmenter_s = (perf_counter() - start) / max(len(opened), 1)
        predictions: list[Prediction] = []
        for image, verdict in zip(images, verdicts, strict=True):
            if verdict is not None and not verdict.is_present:
                predictions.append(self.nothing(image, verdict, gate_s=gate_s))
                continue
            prediction = self._drawn(image, next(seen), chosen, gate_cut)
            said = prediction.gate if verdict is None else verdict
            predictions.append(
                replace(prediction, gate=said, gate_s=gate_s, segmenter_s=segmenter_s)
            )
        return predictions

    def _classified(
        self, images: Sequence[Image], gate_cut: float | None
    ) -> tuple[list[Verdict | None], float | None]:
        """What a classifier as gate says of each image, and the seconds an image."""
        if self.gate is None or gate_cut is None or not images:
            return [None] * len(images), None
        start = perf_counter()
        probabilities = self.gate.probabilities(images)
        gate_s = (perf_counter() - start) / len(images)
        return [verdict_of(each, gate_cut) for each in probabilities], gate_s

    def _drawn(self, image: Image, seen: Seen, cut: Cut, gate_cut: float | None) -> Prediction:
        """What is seen, cut; nothing where the segmenter's own head is the gate and is closed."""
        verdict = None
        if self.gate is None and gate_cut is not None and seen.presence is not None:
            verdict = verdict_of(seen.presence, gate_cut)
            if not verdict.is_present:
                return self.nothing(image, verdict)
        labels = labels_from_probability(
            seen.probability,
            threshold=cut,
            minimum_area_px=self.predict_settings.minimum_area_px,
        )
        return Prediction(labels, seen.probability, self.card.is_overlapping, verdict)

    def cut(self, threshold: float | None = None) -> Cut:
        """The threshold that was chosen for it, unless another is given.

        A given one holds for each of the classes that overlap.

        Raises:
            SettingsError: one is given for several classes of which the likeliest is taken.
        """
        require_cut(self.card, threshold)
        if threshold is None:
            return self.threshold.cut
        return (threshold,) * self.card.output_channels if self.card.is_overlapping else threshold

    def gate_cut(self, threshold: float | None = None) -> float | None:
        """The threshold of its gate, unless another is given; None without a gate.

        Raises:
            SettingsError: one is given, and there is no gate.
        """
        require_gate(self.card, threshold)
        if threshold is not None or self.card.gate is None:
            return threshold
        return self.card.gate.threshold

    def with_gate(self, kind: Literal["head"] | None) -> Model:
        """The same behind the segmenter's own head, or without a gate.

        Thresholds and minimum area are those that were chosen for that. Without a gate they stay
        as they are where nothing was chosen for that.

        Raises:
            SettingsError: a head that is not there, or for which nothing was chosen.
        """
        if (None if self.card.gate is None else self.card.gate.kind) == kind:
            return self
        point = next((each for each in self.card.operating_points if each.gate == kind), None)
        if kind == "head" and (point is None or not self.has_presence_head):
            raise SettingsError(
                "gate 'head': expected a model whose segmenter has a head for presence, with a "
                "threshold that was chosen for it; take the model as it is, or without a gate"
            )
        if point is None:
            card, settings = self.card.model_copy(update={"gate": None}), self.predict_settings
        else:
            card = self.card.model_copy(update=_chosen(self, point))
            settings = self.predict_settings.model_copy(
                update={"minimum_area_px": point.minimum_area_px}
            )
        return replace(self, card=card, predict_settings=settings, gate=None)

    def nothing(self, image: Image, verdict: Verdict, *, gate_s: float | None = None) -> Prediction:
        """Background everywhere, which is what a closed gate leaves."""
        height, width = image.shape[:2]
        channels = self.card.output_channels
        probability = np.zeros((channels, height, width), np.float32)
        if channels > 1 and not self.card.is_overlapping:
            probability[0] = 1.0
        labels = np.zeros((height, width), np.uint8)
        return Prediction(labels, probability, self.card.is_overlapping, verdict, gate_s)


def _chosen(model: Model, point: OperatingPoint) -> dict[str, object]:
    """The fields of a card at an operating point."""
    threshold = Threshold(
        value=point.threshold,
        chosen_on=model.card.threshold.chosen_on,
        rule=point.objective,
        score=point.score,
    )
    settings = model.card.predict.model_copy(update={"minimum_area_px": point.minimum_area_px})
    head = None
    if point.gate == "head" and point.gate_threshold is not None:
        head = Gate(kind="head", threshold=point.gate_threshold, rule=point.objective)
    return {"gate": head, "threshold": threshold, "predict": settings}


def load_model(
    path: Path | str, *, device: str | None = None, threads: int | None = None, **predict: Any
) -> Model:
    """The model of a run or model folder, ready to predict, with its members and its gate.

    Further keyword arguments replace single prediction settings, such as `repeats="turns"`; of a
    model with members those of each of them, and `repeats` of the gate too.

    Raises:
        LayoutError: no model there, or a classifier.
        UnreadableFileError: weights that are damaged or do not belong to the card, or models
            inside it that do not fit it.
        SettingsError: an architecture that this version does not know, or a wrong setting.
    """
    card, file = opened(Path(path), task="segment")
    parts = parts_of(file.parent, card)
    if card.classical is not None:
        require_no_tiles(predict)
    settings = changed_settings(card.predict, predict)
    require_depth(card, settings.depth)
    where: dict[str, Any] = {"device": device, "threads": threads}
    gate = None
    if parts.gate is not None:
        gate = load_classifier(parts.gate, **where, repeats=predict.get("repeats"))
    if card.members:
        members = tuple(load_model(each, **where, **predict) for each in parts.members)
        # How an image is put together is said by each member for itself.
        settings = members[0].predict_settings.model_copy(
            update={"minimum_area_px": settings.minimum_area_px}
        )
        model = Model(card, mean_look([each.look for each in members]), settings, gate, members)
    else:
        segment = _segmenter(card, file, settings, device=device, threads=threads)
        look = look_of(segment, has_presence_head=card.has_presence_head)
        model = Model(card, look, settings, gate)
    if card.gate is not None and card.gate.kind == "head" and not model.has_presence_head:
        raise UnreadableFileError(
            f"{file.parent / CARD}: expected a segmenter with a head for presence as its own gate, "
            "found none; copy the model folder again, or train anew"
        )
    return model


def _segmenter(
    card: ModelCard,
    file: Path,
    settings: PredictSettings,
    *,
    device: str | None,
    threads: int | None,
) -> Segmenter:
    """The network of a card with its weights, or its method without one."""
    if card.classical is not None:
        require_processor(device)
        return classical_segmenter(
            read_method(file.parent / CARD, card),
            card.preparation,
            settings,
            has_dark_surround=card.has_dark_surround,
            threads=threads,
        )
    from delineate.inference.weights import load_network

    one_pass = load_network(file, card, device=device, threads=threads, depth=settings.depth)
    return segmenter(
        one_pass,
        card.preparation,
        settings,
        card.stride_px,
        lost_px=card.lost_px,
        has_dark_surround=card.has_dark_surround,
        is_overlapping=card.is_overlapping,
        has_presence_head=card.has_presence_head,
    )
