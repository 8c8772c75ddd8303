"""The whole way on phantoms with planted faults, as a user would walk it, step by step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from shlex import join
from time import monotonic
from typing import Any

from delineate.core.errors import LeakageError, SettingsError, unknown_name
from delineate.core.progress import SILENT, Progress
from delineate.data.listing import counted
from delineate.data.opening import open_dataset
from delineate.data.phantoms.writing import PhantomSet, write_fundus, write_ultrasound
from delineate.data.sample import TEST
from delineate.data.splitting import read_split
from delineate.evaluation.records import (
    EMPTY,
    MEAN_MASK,
    MODEL,
    PER_IMAGE,
    POOLED,
    Evaluation,
    ScoreRecord,
)
from delineate.files.writing import new_folder, write_bytes, write_json
from delineate.study.paired import paired
from delineate.study.planted import Marked, marked
from delineate.study.settling import write_decisions
from delineate.workflows import audit as auditing
from delineate.workflows import evaluate as evaluation
from delineate.workflows import inspect as inspection
from delineate.workflows import predict as prediction
from delineate.workflows import review as reviewing
from delineate.workflows import train as training
from delineate.workflows.scoring import ScoringResult

SCHEMA, DOCUMENT, REPORT = "demo", "demo.json", "report.html"
DATA, INSPECT, AUDIT, DECISIONS = "data", "inspect", "audit", "decisions.csv"
BEFORE, RUN, SPLIT, PREDICTIONS = "run-before", "run", "split.csv", "predictions"
REVIEWER = "the demo"
_PREDICTED = 4


@dataclass(frozen=True)
class Kind:
    """What is drawn, and what is trained on it.

    `draw` takes a folder, a seed and a progress. The changes to the recipe are those that a
    person would make who has few minutes.
    """

    draw: Callable[..., PhantomSet]
    recipe: str
    changes: tuple[str, ...]
    palette: str


KINDS = {
    "ultrasound": Kind(
        draw=partial(
            write_ultrasound,
            subjects=48,
            images_per_subject=4,
            # With ten subjects or more in test, scores come with intervals.
            test_subjects=14,
            faults={
                "twin": 3,
                "flipped_twin": 2,
                "turned_twin": 1,
                "recompressed_twin": 2,
                "toned_twin": 1,
                "cropped_twin": 1,
                "shifted_twin": 1,
                "contradictory_mask": 4,
                "contradictory_empty_mask": 6,
                "leaked_subject": 2,
                "leaked_twin": 3,
                "jpeg_mask": 3,
                "antialiased_mask": 2,
                "sequence": 1,
            },
        ),
        recipe="general",
        changes=(
            "prepare.longest_side_px=160",
            "patches.size_px=[112, 160]",
            "model.arguments={width = 8, depth = 4, normalisation = 'batch'}",
            "train.learning_rate=4e-3",
            "validation.times=6",
        ),
        palette="nerve",
    ),
    "fundus": Kind(
        draw=partial(
            write_fundus,
            training=12,
            test=10,
            faults={
                "twin": 1,
                "flipped_twin": 1,
                "contradictory_mask": 1,
                "leaked_subject": 1,
                "leaked_twin": 1,
                "jpeg_mask": 1,
            },
        ),
        recipe="vessel",
        changes=("validation.times=2", "predict.repeats=single"),
        palette="vessel",
    ),
}


@dataclass(frozen=True)
class DemoResult:
    """Where everything is, what each step came to, and which cases failed."""

    folder: Path
    document: dict[str, Any]
    failures: tuple[str, ...]

    @property
    def main_result(self) -> Path:
        """The page that shows the whole run."""
        return self.folder / REPORT


def demo(
    out: Path | str,
    *,
    kind: str = "ultrasound",
    minutes: float = 2.0,
    overwrite: bool = False,
    seed: int = 0,
    threads: int | None = None,
    progress: Progress = SILENT,
) -> DemoResult:
    """Draw, inspect, audit, decide, train, evaluate and predict, by the verbs' own functions.

    It trains twice: for `minutes` on the data as they lie, leaks and all, and for as many steps
    under the decisions that the audit's findings call for. Everything lies in `out`: `data/` with
    `planted.json`, `inspect/`, `audit/`, `decisions.csv`, `run-before/`, `run/`,
    `predictions/`, `report.html` and `demo.json`. The same seed draws and splits the same; the
    models depend on how much the machine learns in `minutes`.

    Raises:
        DelineateError: an unknown kind, no minutes, or a folder that cannot be used.
    """
    if kind not in KINDS:
        raise unknown_name("kind of phantoms", kind, KINDS)
    if not minutes > 0:
        raise SettingsError(f"--minutes {minutes:g}: expected a positive number; 2 are enough")
    chosen = KINDS[kind]
    folder = new_folder(Path(out), overwrite=overwrite)
    diary = _Diary(folder, progress)
    data = folder / DATA

    diary.begin("draw", f"{kind} phantoms with planted faults")
    drawn = chosen.draw(data, seed=seed, progress=progress)
    diary.tell(f"{counted(drawn.images, 'image')} in {data}, every one invented")
    diary.tell(f"wrong on purpose: {_planted(drawn)}; told in {data / 'planted.json'}")
    diary.end(data)

    seeded = ("--seed", seed)
    diary.begin("inspect", _command("inspect", data, "--out", folder / INSPECT, *seeded))
    seen = inspection.inspect(data, folder / INSPECT, seed=seed, progress=progress)
    for name, text in inspection.table(seen.document):
        diary.tell(f"{name}: {text}")
    for note in seen.document["notes"]:
        diary.tell(f"note: {note}")
    masks = _accepted(seen.document)
    if masks is not None:
        diary.tell(f"the proposal fits, as {seen.main_result} shows: accepted with --masks {masks}")
    diary.end(seen.main_result)
    confirmed = () if masks is None else ("--masks", masks)

    diary.begin("audit", _command("audit", data, "--out", folder / AUDIT, *seeded))
    audited = auditing.audit(data, folder / AUDIT, seed=seed, progress=progress)
    for name, text in auditing.table(audited.document):
        if name:
            diary.tell(f"{name}: {text}")
    found = marked(drawn.planted, audited.document)
    for line in _told(found):
        diary.tell(line)
    diary.end(audited.main_result)

    diary.begin("train", _command("train", data, "--out", folder / BEFORE, *confirmed, *seeded))
    diary.tell(f"refused, and rightly: {_refusal(data, folder / BEFORE, masks)}")
    diary.end(None)

    changes = [word for change in chosen.changes for word in ("--set", change)]
    recipe = ("--recipe", chosen.recipe, *changes)
    training_of = partial(
        training.train,
        data,
        recipe=chosen.recipe,
        changes=chosen.changes,
        seed=seed,
        threads=threads,
        masks=masks,
        progress=progress,
    )

    def scoring_of(run: Path, *, allow_leakage: bool = False) -> ScoringResult:
        result = evaluation.evaluate(
            run,
            allow_leakage=allow_leakage,
            palette=chosen.palette,
            seed=seed,
            threads=threads,
            progress=progress,
        )
        assert isinstance(result, ScoringResult)  # the demo's models draw masks
        return result

    palette = ("--palette", chosen.palette)

    diary.begin(
        "train before",
        _command(
            *("train", data, "--out", folder / BEFORE, "--allow-leakage"),
            *(*recipe, "--minutes", f"{minutes:g}", *confirmed, *seeded),
        ),
    )
    trained_before = training_of(folder / BEFORE, allow_leakage=True, minutes=minutes)
    steps = trained_before.document["training"]["steps"]
    diary.end(trained_before.main_result)

    diary.begin(
        "evaluate before",
        _command("evaluate", folder / BEFORE, "--allow-leakage", *palette, *seeded),
    )
    scored_before = scoring_of(folder / BEFORE, allow_leakage=True)
    for line in views(scored_before.evaluation):
        diary.tell(line)
    diary.end(scored_before.main_result)

    table = folder / DECISIONS
    diary.begin("review", _command("review", folder / AUDIT, "--from", table))
    rows = write_decisions(table, audited.document)
    reviewing.decide_from_table(folder / AUDIT, table, who=REVIEWER)
    actions = Counter(action.replace("_", " ") for _, action, _, _ in rows)
    diary.tell(", ".join(f"{action} {count}x" for action, count in actions.items()))
    diary.end(table)

    diary.begin(
        "train",
        _command(
            *("train", data, "--out", folder / RUN, "--review", folder / AUDIT),
            *(*recipe, "--steps", steps, *confirmed, *seeded),
        ),
    )
    diary.tell("as many steps as before, so that only the data differ")
    trained = training_of(folder / RUN, review=folder / AUDIT, steps=steps)
    diary.end(trained.main_result)

    diary.begin("evaluate", _command("evaluate", folder / RUN, *palette, *seeded))
    scored = scoring_of(folder / RUN)
    for line in views(scored.evaluation):
        diary.tell(line)
    diary.end(scored.main_result)

    images = _some_test_images(data, folder / RUN / SPLIT)
    diary.begin(
        "predict",
        _command("predict", folder / RUN, "IMAGES", "--out", folder / PREDICTIONS, *palette),
    )
    predicted = prediction.predict(
        folder / RUN,
        images,
        folder / PREDICTIONS,
        palette=chosen.palette,
        threads=threads,
        progress=progress,
    )
    diary.tell(f"masks and overlays of {counted(len(images), 'test image')}")
    diary.end(predicted.main_result)

    diary.begin("result", f"against doing nothing, on {_who(scored.evaluation)}")
    for line in verdict(scored.evaluation):
        diary.tell(line)
    compared = paired(
        scored_before.evaluation,
        scored.evaluation,
        without=_touched(scored_before.document, scored.document),
        seed=seed,
    )
    if compared is not None:
        diary.tell(
            "before and after the decisions, Dice in the mean per image on the "
            f"{counted(compared.cases, 'test image')} that neither leak nor were decided on: "
            f"{compared}"
        )
        diary.tell(
            "that is one training of each: the interval is over subjects, and so short a training "
            "started otherwise may differ by more"
        )
    is_better = is_better_than_nothing(scored.evaluation)
    if is_better:
        diary.tell("the model beats every trivial prediction by both")
    else:
        diary.tell(
            "the model does NOT beat every trivial prediction: "
            f"{counted(steps, 'step')} did not suffice, perhaps because other programs used the "
            f"processor; give it more with --minutes {2 * minutes:g}"
        )
    diary.end(folder / REPORT)

    failures = (
        *(*seen.failures, *audited.failures, *trained_before.failures, *scored_before.failures),
        *(*trained.failures, *scored.failures, *predicted.failures),
    )
    document = {
        "kind": kind,
        "seed": seed,
        "minutes": minutes,
        "recipe": chosen.recipe,
        "masks": masks,
        "steps": diary.steps,
        "planted": [
            {**each.fault.to_document(), "findings": list(each.findings)} for each in found
        ],
        "before_and_after": None if compared is None else asdict(compared),
        "is_better_than_nothing": is_better,
        "headline": scored.document["headline"],
        "failures": list(failures),
    }
    # The report is whole in itself, so that a copy of it stands for the run anywhere.
    write_bytes(folder / REPORT, (folder / RUN / REPORT).read_bytes())
    write_json(folder / DOCUMENT, document, schema=SCHEMA)
    return DemoResult(folder, document, failures)


def verdict(scores: Evaluation) -> list[str]:
    """Dice pooled and per image, the model's before the others', with the rule of each."""
    lines = []
    for pooling in (PER_IMAGE, POOLED):
        records = [r for r in scores.headline() if (r.score, r.pooling) == ("dice", pooling)]
        if records:
            values = ", ".join(f"{each.predictor} {_value(each)}" for each in records)
            rule = f"{records[0].region}; {records[0].empty_rule}"
            lines.append(f"Dice, {pooling} ({rule}): {values}")
    return lines


def is_better_than_nothing(scores: Evaluation) -> bool:
    """Whether the model's Dice is above all trivial predictions', pooled and per image."""
    found = [record for record in scores.headline() if record.score == "dice"]
    for pooling in (PER_IMAGE, POOLED):
        values = {r.predictor: r.value or 0.0 for r in found if r.pooling == pooling}
        trivial = [values[name] for name in (EMPTY, MEAN_MASK) if name in values]
        if values[MODEL] <= max(trivial, default=0.0):
            return False
    return True


def views(scores: Evaluation) -> Iterator[str]:
    """The model's Dice per image by set of cases; nothing where there is but one set."""
    for view in scores.views:
        for record in view.records:
            if (record.score, record.pooling, record.predictor) == ("dice", PER_IMAGE, MODEL):
                yield (
                    f"Dice, {PER_IMAGE}, {view.name} ({counted(view.cases, 'image')} of "
                    f"{counted(view.subjects, 'subject')}): {_value(record)}"
                )


def _told(found: Sequence[Marked]) -> Iterator[str]:
    """Whether everything that was planted was found, and what was not."""
    missed = [each.fault for each in found if not each.is_found]
    if not missed:
        yield f"all {counted(len(found), 'fault')} that were planted are found"
        return
    yield f"found are {len(found) - len(missed)} of {counted(len(found), 'planted fault')}"
    for fault in missed:
        yield f"MISSED: {fault.kind.replace('_', ' ')} of {' and '.join(fault.samples)}"


def _touched(before: Mapping[str, Any], after: Mapping[str, Any]) -> set[str]:
    """Test cases that leaked into the first training, or that decisions changed."""
    leaked = (before["leaks"] or {"cases": ()})["cases"]
    review = (after["review"] or {"cases": {}})["cases"]
    return {*leaked, *(id_ for changed in review.values() for id_ in changed)}


def _value(record: ScoreRecord) -> str:
    if record.value is None:
        return "undefined"
    if record.predictor != MODEL or record.low is None or record.high is None:
        return f"{record.value:.3f}"
    return f"{record.value:.3f} (95 % interval {record.low:.3f} to {record.high:.3f})"


@dataclass
class _Diary:
    """Tells each step while it is taken, and remembers it for `demo.json`."""

    folder: Path
    progress: Progress
    steps: list[dict[str, Any]] = field(default_factory=list)
    _began_s: float = 0.0

    def begin(self, name: str, what: str) -> None:
        """Head a step with its number, its verb and what is done or could be typed."""
        self._began_s = monotonic()
        self.steps.append({"step": name, "what": what, "said": []})
        self.progress.say(f"\n{len(self.steps)}. {name}: {what}")

    def tell(self, text: str) -> None:
        """One line of what came of it."""
        self.steps[-1]["said"].append(text)
        self.progress.say(f"   {text}")

    def end(self, main_result: Path | None) -> None:
        """Note where the step's result lies and how long it took."""
        place = None if main_result is None else str(main_result.relative_to(self.folder))
        took_s = round(monotonic() - self._began_s, 1)
        self.steps[-1] |= {"main_result": place, "seconds": took_s}


def _command(*words: object) -> str:
    """A call of the program that a shell takes as it stands, whatever the paths are called."""
    return join(["delineate", *map(str, words)])


def _planted(drawn: PhantomSet) -> str:
    kinds = Counter(record.kind.replace("_", " ") for record in drawn.planted)
    return ", ".join(counted(number, kind) for kind, number in kinds.items())


def _accepted(document: Mapping[str, Any]) -> str | None:
    """What to say with --masks for those that are only proposed; None where all are certain."""
    observers = document["observers"]
    proposed = [each for each in observers if not each["is_certain"]]
    if not proposed:
        return None
    if len(proposed) > 1:
        raise RuntimeError("faults are planted in masks of one observer alone")
    name, encoding = proposed[0]["name"], proposed[0]["proposed"]
    return f"{name}={encoding}" if len(observers) > 1 else str(encoding)


def _refusal(data: Path, run: Path, masks: str | None) -> str:
    """Why training on the folders' own split is refused: subjects were leaked into its test."""
    try:
        training.train(data, run, masks=masks, steps=1)
    except LeakageError as refusal:
        return str(refusal)
    raise RuntimeError(f"{data}: training took a split that shares subjects")


def _some_test_images(data: Path, split_file: Path) -> list[Path]:
    """A few images of the test split, evenly spaced."""
    assignment = read_split(split_file)
    images = [s.image for s in open_dataset(data).samples if assignment.get(s.id) == TEST]
    return images[:: max(1, -(-len(images) // _PREDICTED))]


def _who(scores: Evaluation) -> str:
    images, subjects = counted(scores.cases, "test image"), counted(scores.subjects, "subject")
    return f"{images} of {subjects} unseen in training"
