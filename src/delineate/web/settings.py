"""How much the server takes on, and how long it keeps it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class ServeSettings(BaseModel):
    """Limits of one server. Everything beyond is refused with a reason."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    largest_upload_bytes: int = Field(64 * 2**20, gt=0, description="of one file")
    largest_request_bytes: int = Field(1024 * 2**20, gt=0, description="of all files of a batch")
    largest_pixels: int = Field(25_000_000, gt=0, description="of one image, by its header")
    most_files: int = Field(1000, gt=0, description="of a batch")
    queue: int = Field(64, gt=0, description="images that may wait for the model")
    batch: int = Field(8, gt=0, description="most images in one pass")
    kept_bytes: int = Field(512 * 2**20, gt=0, description="of results that wait to be fetched")
    kept_s: float = Field(3600.0, gt=0)
    decoders: int = Field(1, gt=0, description="processes that read uploaded files")
    stop_s: float = Field(20.0, gt=0, description="how long a stop waits for work under way")
