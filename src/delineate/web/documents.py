"""What the application answers, as its OpenAPI description has it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class Document(BaseModel):
    """An answer of the server; every field is always there."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Problem(Document):
    """What went wrong, what was expected, and what to do."""

    error: str = Field(description="one line for people")
    kind: str = Field(description="one word for programs, such as `unreadable_file`")


class ClassDocument(Document):
    """A class of the model or of the labels."""

    index: int
    name: str
    colour: tuple[int, int, int]


class WindowDocument(Document):
    """Grey levels that are shown as black and as white, in the image's own values."""

    low: float
    high: float
    origin: str = Field(description="where these two come from")


class SpacingDocument(Document):
    """How far neighbouring pixels lie apart."""

    row_mm: float
    column_mm: float
    origin: str


class ImageDocument(Document):
    """An image that the server holds."""

    name: str = Field(description="as it was uploaded, without folders")
    format: str
    height_px: int
    width_px: int
    channels: int
    shades: Literal["uint8", "uint16"] = Field(
        description="of `links.shades`: 8 bits of grey or RGB as PNG, or 16-bit grey for a window"
    )
    slope: float = Field(1.0, description="value of a grey level = slope * stored + intercept")
    intercept: float = 0.0
    window: WindowDocument
    spacing: SpacingDocument | None


class ThresholdDocument(Document):
    """Where probability became foreground."""

    value: float | None = Field(description="None for several classes: the likeliest wins")
    values: tuple[float, ...] | None = Field(description="one a class, where classes overlap")
    chosen: float | None = Field(description="what the model card has")
    origin: str = Field(description="on which cases and by which rule it was chosen, or by hand")
    warning: str | None = Field(description="where it is not the one that the scores belong to")


class GateDocument(Document):
    """Whether there is anything to find in the image."""

    probability: float
    threshold: float
    is_present: bool
    rule: str
    has_heat_map: bool


class ObjectDocument(Document):
    """What hangs together (8 neighbours) of one class."""

    class_index: int
    number: int = Field(description="from 1, the largest first, within its class")
    area_px: int
    area_mm2: float | None
    perimeter_px: float
    perimeter_mm: float | None
    major_axis_px: float
    minor_axis_px: float
    major_axis_mm: float | None
    minor_axis_mm: float | None
    orientation_degrees: float = Field(
        description="of the major axis, anticlockwise from the horizontal"
    )
    row_px: float = Field(description="of the centroid")
    column_px: float
    box_px: tuple[int, int, int, int] = Field(description="top, left, height, width")
    mean_probability: float | None


class ClassMeasureDocument(Document):
    """All that was found of one class."""

    class_index: int
    count: int
    area_px: int
    area_mm2: float | None
    share: float = Field(description="of all pixels of the image")


class MeasurementsDocument(Document):
    """What was found, measured."""

    rule: str = Field(description="how area, perimeter and axes are taken")
    classes: list[ClassMeasureDocument]
    objects: list[ObjectDocument]
    unlisted: int = Field(description="objects beyond those that are listed, the smallest")


class PredictionDocument(Document):
    """What the model says of one image.

    `links` are addresses of: `shades`, `labels`, `probability` (of a class: append `/INDEX`),
    `heat_map` where the gate has one, `measurements`, and `files` with one address a form that
    `predict` writes.
    """

    id: str
    model: str
    image: ImageDocument
    case: str | None = Field(description="the key of the case, where it is one of the data")
    classes: list[ClassDocument]
    is_overlapping: bool
    minimum_area_px: int
    threshold: ThresholdDocument
    gate: GateDocument | None
    measurements: MeasurementsDocument
    milliseconds: float = Field(description="in the model, without waiting")
    at: str = Field(description="when the image was first predicted, as ISO 8601 in UTC")
    notes: list[str]
    links: dict[str, Any]


JobState = Literal["waiting", "running", "done", "failed", "cancelled"]


class JobDocument(Document):
    """A batch of images and how far it is."""

    id: str
    state: JobState
    total: int
    done: int
    failures: list[str] = Field(description="what was wrong with the images that have no mask")
    error: str | None = Field(description="why nothing came of it, where it failed as a whole")
    links: dict[str, str] = Field(description="`self`, `events`, and `result` once it is done")


class ScoreDocument(Document):
    """One figure with the rule that it was computed under."""

    name: str
    value: float | None
    low: float | None
    high: float | None
    rule: str


class GateRuleDocument(Document):
    """What decides whether an image is segmented at all."""

    kind: str = Field(description="`classifier`, or `head` for one of the segmenter's own")
    threshold: float
    rule: str = Field(description="how the threshold was chosen")


class ModelDocument(Document):
    """What the model is for, how good it is, and what it must not be used for."""

    name: str = Field(description="recipe and seed; the one that files and other answers have")
    title: str = Field(description="heading, of its recipe or card; else of its classes, or name")
    kind: str
    purpose: str = Field(description="what it is for, in a sentence or two")
    classes: list[ClassDocument]
    is_overlapping: bool
    channels: int
    threshold: ThresholdDocument
    gate: GateRuleDocument | None
    facts: dict[str, str] = Field(description="what it was trained on and how, in words")
    scored_on: str | None = Field(description="the split and its number of cases")
    is_held_out: bool = Field(description="whether the model, or its choices, never saw that split")
    scores: list[ScoreDocument]
    baselines: list[ScoreDocument] = Field(
        description="on the same cases: trivial predictions, and other observers"
    )
    notes: list[str] = Field(description="what must be known of those scores")
    limits: list[str] = Field(description="what it must not be used for")


class ExampleDocument(Document):
    """An image of the server to try the model on."""

    key: str
    name: str
    thumbnail: str = Field(description="address of a PNG, 256 px at its longest side")


class HealthDocument(Document):
    """Whether the server can take work; to those without the token only `status` is told."""

    status: Literal["ok", "stopping"]
    version: str | None
    waiting: int | None = Field(description="images in the queue")
    room: int | None = Field(description="images that the queue still takes")


class ObserverDocument(Document):
    """Somebody besides the observer of reference who drew a case."""

    name: str
    labels: str = Field(description="address of this observer's labels, as decided")


class CaseDocument(Document):
    """One image of the data with what people have decided on it.

    `links` are addresses of `shades`, `labels` (as decided), `original` (as the file has them),
    `prediction`, to be posted to, and `region` where only part of the image counts.
    """

    key: str
    id: str
    split: str | None
    subject: str | None
    image: ImageDocument | None = Field(description="None in lists, or where it cannot be read")
    problem: str | None = Field(description="why the image cannot be shown")
    has_labels: bool
    is_mended: bool = Field(description="a decision gave it another mask")
    is_dropped: bool
    last_decision: int | None = Field(description="the number of the newest decision on it")
    findings: list[str] = Field(description="ids of the findings about it")
    warning: str | None = Field(
        description="what is to be known before its label is changed, such as that it is a test "
        "case on which the model was scored"
    )
    classes: list[ClassDocument]
    is_overlapping: bool = Field(
        description="whether labels are codes, a bit a class, and not class indices"
    )
    observers: list[ObserverDocument] = Field(
        description="who drew the case besides the observer of reference, to whom `links.labels` "
        "belong"
    )
    links: dict[str, str]


class Page(Document):
    """Which part of a list this is."""

    total: int
    start: int
    next: str | None


class CasesDocument(Document):
    """Part of the cases."""

    page: Page
    cases: list[CaseDocument]


class ActionDocument(Document):
    """Something that may be decided on a finding."""

    name: str
    meaning: str
    takes: Literal["nothing", "one_sample", "samples", "mask"]


class DecisionDocument(Document):
    """One row of the log."""

    number: int
    finding: str
    action: str
    words: str
    samples: list[str]
    cases: list[str] = Field(description="keys of the samples that are in the data")
    argument: str
    has_mask: bool
    undoes: int | None
    who: str
    why: str
    at: str
    state: str = Field(description="`in force`, `undo`, `undone by N` or `replaced by a later one`")


AffineMap = tuple[float, float, float, float, float, float]


class FindingDocument(Document):
    """What an audit, a scoring or the model's own uncertainty has found."""

    id: str
    kind: str
    queue: Literal["audit", "model", "uncertain", "asked"] = Field(
        description="where it comes from: the audit, model against label, the model's own "
        "uncertainty, or somebody who opened the case"
    )
    title: str
    meaning: str
    severity: str
    samples: list[str]
    cases: list[str | None] = Field(description="their keys; None of one that is not in the data")
    about: str
    text: str
    suggestion: str
    badness: float
    evidence: dict[str, Any]
    maps: list[AffineMap] = Field(
        description="how the samples lie on the first: number k takes a pixel centre (column x, "
        "row y) of the first sample to (ax + by + c, dx + ey + f) of sample k, where [a, b, c, d, "
        "e, f] are its numbers; empty where the finding does not say"
    )
    decisions: list[DecisionDocument]
    actions: list[ActionDocument]
    pictures: dict[str, str] = Field(description="addresses, such as `difference` of two copies")


class DifferenceDocument(Document):
    """What the masks of two samples that lie on each other share, in pixels of the first's grid.

    Figures and `picture` are null where there is nothing to compare; `words` then say what is
    missing.
    """

    first: str
    other: str
    both_px: int | None = None
    only_first_px: int | None = None
    only_other_px: int | None = None
    other_class_px: int | None = Field(None, description="where each marks another class")
    unknown_px: int | None = Field(
        None, description="where one of them says nothing, or shows nothing"
    )
    picture: str | None = Field(
        None, description="address of the difference, drawn on the first one"
    )
    words: str


class FindingsDocument(Document):
    """Part of the queue."""

    page: Page
    open: int
    decided: int
    kinds: dict[str, int] = Field(description="how many findings of each kind there are")
    findings: list[FindingDocument]


class DecisionsDocument(Document):
    """The log, the newest first."""

    page: Page
    last: int = Field(description="the highest number; 0 where nothing is decided")
    decisions: list[DecisionDocument]


class DecisionRequest(BaseModel):
    """What somebody decides, on a finding or on a case that no finding is about.

    `seen` is the number of the newest decision that the person knew of on this finding or case;
    a newer one that touches the same is answered with 409 and nothing is written.
    """

    model_config = ConfigDict(extra="forbid")

    finding: str | None = Field(None, max_length=64)
    case: str | None = Field(None, max_length=64)
    action: str = Field(max_length=64, description="as `delineate review` has them, or `undo`")
    samples: list[Annotated[str, Field(max_length=1000)]] = Field(default=[], max_length=1000)
    mask_png: str | None = Field(
        None,
        description="base64 of a PNG of class indices, 255 where nothing is known; where classes "
        "overlap bit N-1 stands for class N",
    )
    undoes: int | None = Field(None, ge=1, le=2**53)
    who: str = Field(min_length=1, max_length=200)
    why: str = Field("", max_length=2000)
    seen: int | None = Field(None, ge=0, le=2**53)
