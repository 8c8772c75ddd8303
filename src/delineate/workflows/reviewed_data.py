"""Which data of a model people review, and in which log their decisions go."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from delineate.auditing.review.review_log import FILE, ReviewLog
from delineate.core.errors import DelineateError, SettingsError
from delineate.core.progress import SILENT, Progress
from delineate.core.types import LabelClass
from delineate.data.masks import classes_of, survey_masks
from delineate.data.opening import open_dataset
from delineate.data.sample import TEST, Dataset
from delineate.data.splitting import apply_split, read_split
from delineate.files.writing import cannot_write, read_lines
from delineate.inference.model_folder import read_card
from delineate.workflows.judging import is_data_of, run_of
from delineate.workflows.run_folder import SCORINGS, SPLIT, RunFacts

SERVE = "serve"  # in a run: the log of a server, where nobody names another

Run = tuple[Path, RunFacts]


@dataclass(frozen=True)
class ReviewedData:
    """The data with the encodings that masks are looked at with, and the log of its review.

    `classes` are those of the model and what masks hold beyond them. `run` is that of the model,
    where the data is its own. `notes` say what must be known of how masks are read.
    """

    dataset: Dataset
    classes: tuple[LabelClass, ...]
    log: ReviewLog
    run: Run | None = None
    notes: tuple[str, ...] = ()

    def test_scorings(self) -> int:
        """How often the run's model was scored on the test cases."""
        if self.run is None or not (self.run[0] / SCORINGS).is_file():
            return 0
        rows = read_lines(self.run[0] / SCORINGS)
        root = str(self.dataset.root.resolve())
        return sum((each.get("split"), each.get("data")) == (TEST, root) for each in rows)


def open_reviewed(
    model: Path,
    *,
    data: Path | None = None,
    layout: str | None = None,
    masks: str | Sequence[str] | None = None,
    subjects: str | None = None,
    review: Path | None = None,
    progress: Progress = SILENT,
) -> ReviewedData | None:
    """The data that is given, else that of the model's run; None where there is neither.

    Of a run's own data the run's layout, masks, subjects, split and classes hold unless others
    are given. Decisions go to the log `review`, or one in that folder, which is made where there
    is none; else to the one that the run was trained under; else to one in the run.

    Raises:
        DelineateError: data or a log that cannot be opened. Of a run's own data that nobody asked
            for, this is told, and there is none.
    """
    card, run = read_card(model), run_of(model)
    if data is None and run is None:
        _require_unsaid(model, review=review, layout=layout, masks=masks, subjects=subjects)
        return None
    source = Path(run[1].data) if data is None and run is not None else data
    assert source is not None
    own = run if run is not None and (data is None or is_data_of(run, data)) else None
    facts = None if own is None else own[1]
    try:
        dataset = open_dataset(
            source,
            layout=layout or (None if facts is None else facts.layout),
            masks=masks or (None if facts is None else facts.masks),
            subjects=subjects or (None if facts is None else facts.subjects),
            overlapping=card.is_overlapping,
        )
        if own is not None:
            dataset = apply_split(dataset, read_split(own[0] / SPLIT))
        dataset, notes = _looked_at(dataset, progress)
        place = _place(review, own, source)
        log = _opened(place, source, dataset)
    except DelineateError as problem:
        if data is not None or review is not None:
            raise
        progress.say(f"nothing to review: {problem}")
        return None
    for note in notes:
        progress.say(note)
    known = card.label_classes
    classes = (*known, *dataset.classes[len(known) :])
    return ReviewedData(dataset, classes, log, own, notes)


def _require_unsaid(model: Path, **options: object) -> None:
    """Refuse options about data that nobody named."""
    for name in (name for name, value in options.items() if value):
        raise SettingsError(
            f"--{name}: the model folder {model} does not say which data that is about; name it "
            "with --data"
        )


def _looked_at(dataset: Dataset, progress: Progress) -> tuple[Dataset, tuple[str, ...]]:
    """The data with encodings as confirmed, else as proposed, and what is not certain of them."""
    survey = survey_masks(dataset, progress=progress)
    new = {o: each for o, each in survey.proposals.items() if o not in dataset.encodings}
    notes = tuple(
        f"the masks of {observer} are shown as {each.encoding}, which is not certain "
        f"({each.reason}); confirm it with --masks"
        for observer, each in new.items()
        if not each.is_certain
    )
    dataset = dataset.decoded_by({o: each.encoding for o, each in new.items()})
    with suppress(DelineateError):  # a mask that cannot be used is told where its case is shown
        dataset = replace(dataset, classes=classes_of(dataset, survey))
    return dataset, notes


def _place(review: Path | None, run: Run | None, source: Path) -> Path:
    """The file of the log, whether it is there or not."""
    if review is not None:
        return review if review.suffix and not review.is_dir() else review / FILE
    if run is None:
        raise SettingsError(
            f"--data {source}: is not what this model was trained on, so that its run is no place "
            "for decisions about it; name a folder for them with --review"
        )
    folder, facts = run
    if facts.review is not None:
        asked = Path(facts.review)
        file = asked / FILE if asked.is_dir() else asked
        if file.is_file():
            return file
    return folder / SERVE / FILE


def _opened(place: Path, source: Path, dataset: Dataset) -> ReviewLog:
    if place.exists():
        return ReviewLog.open(place)
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise cannot_write(place.parent, error) from error
    facts = {"source": str(source), "layout": dataset.layout, "images": len(dataset.samples)}
    return ReviewLog.create(place, findings=(), facts=facts)
