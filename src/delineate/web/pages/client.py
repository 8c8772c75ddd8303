"""Sends images to a Delineate server, and writes the masks that come back beside them.

pip install httpx
python client.py http://127.0.0.1:8765 IMAGE [IMAGE ...] [--token TOKEN]
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import httpx


def main() -> None:
    """Send each image, and say what was found in it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("server")
    parser.add_argument("images", type=Path, nargs="+")
    parser.add_argument("--token")
    asked = parser.parse_args()
    headers = {"Authorization": f"Bearer {asked.token}"} if asked.token else {}
    with httpx.Client(base_url=asked.server, headers=headers, timeout=60) as server:
        for image in asked.images:
            found = sent(server, image)
            for each in found["measurements"]["classes"]:
                name = found["classes"][each["class_index"]]["name"]
                print(f"{image.name}: {each['count']} of {name}, {each['area_px']} px in all")
            mask = server.get(found["links"]["files"]["mask"]).raise_for_status()
            image.with_name(f"{image.stem}_mask.png").write_bytes(mask.content)


def sent(server: httpx.Client, image: Path) -> dict[str, Any]:
    """What the model says of an image; a server that is full says when to come again."""
    while True:
        files = {"image": (image.name, image.read_bytes())}
        answer = server.post("/api/v1/predictions", files=files)
        if answer.status_code == 503:
            time.sleep(int(answer.headers["Retry-After"]))
            continue
        if answer.is_error:
            raise SystemExit(f"{image}: {answer.json()['error']}")
        found: dict[str, Any] = answer.json()
        return found


if __name__ == "__main__":
    main()
