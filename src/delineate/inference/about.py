"""What a model is for, in the words of whoever made it."""

from __future__ import annotations

from typing import Annotated
from unicodedata import category

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

LONGEST_TITLE, LONGEST_SENTENCE = 80, 600
# Controls, which could steer a terminal, and halves of pairs, which no file can hold.
_NO_TEXT = frozenset({"Cc", "Cs"})


def _title(text: str) -> str:
    return _one_line(text, LONGEST_TITLE)


def _sentence(text: str) -> str:
    return _one_line(text, LONGEST_SENTENCE)


def _one_line(text: str, most: int) -> str:
    """The words with one space between them, so that lines may be broken anywhere in a file."""
    line = " ".join(text.split())
    if not line:
        raise ValueError("expected words, found none; write some, or leave it out")
    if len(line) > most:
        raise ValueError(f"expected at most {most} characters, found {len(line)}; shorten it")
    if any(category(each) in _NO_TEXT for each in line):
        raise ValueError(
            f"expected words, found the control characters of {line!r}; leave them out"
        )
    return line


class About(BaseModel):
    """Words that are shown with a model and change nothing of what it does."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: Annotated[str, AfterValidator(_title)] | None = Field(
        None,
        description="what it outlines in which images, in at most 80 characters; the heading of "
        "its pages",
    )
    purpose: Annotated[str, AfterValidator(_sentence)] | None = Field(
        None, description="what it is for, in a sentence or two"
    )
    limits: tuple[Annotated[str, AfterValidator(_sentence)], ...] = Field(
        (),
        description="what it must not be used for, a sentence each, beside what holds of every "
        "model",
    )

    def completed_by(self, other: About) -> About:
        """These words, and those of the other where there are none."""
        return About(
            title=self.title or other.title,
            purpose=self.purpose or other.purpose,
            limits=self.limits or other.limits,
        )
