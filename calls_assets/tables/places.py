"""Where a tree can be stored, and which days a folder of it has, with the time of each file."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

OBJECT_STORES = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss")
"""Storage that keeps files: other kinds keep them in memory or in a copy, or are read-only."""
DAY_FOLDER = re.compile(r"date=(20[0-9]{2}-[0-9]{2}-[0-9]{2})")
LOCAL = ("", "file", "local")
PASSWORD = re.compile("[^/]*://[^/]*:[^/]*@")


def check_no_password(root: str) -> None:
    """Raise a ValueError where a URL contains a password, because errors and logs name the root; it does not repeat it."""
    if PASSWORD.match(root):
        raise ValueError(
            "CALLS_DATA_URL contains a password: remove it, and set the credentials in the environment, such as "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )


def check_kind(root: str, protocol: str) -> None:
    """Raise a ValueError where the kind of storage does not keep files."""
    if protocol in LOCAL and root.partition(":")[0].lower() in OBJECT_STORES:
        raise ValueError("two slashes are missing")
    if protocol not in (*LOCAL, *OBJECT_STORES):
        raise ValueError(f"files are not kept there, as they are on {', '.join(OBJECT_STORES)}")
    if protocol in OBJECT_STORES and not root.partition("://")[2].strip("/"):
        raise ValueError("the bucket is missing")


def day_of(folder: str) -> date | None:
    """The day of a folder by its name; None for other folders. Days are of this century, as are all that can be set."""
    found = DAY_FOLDER.fullmatch(folder)
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None


def placed_on_disk(folder: Path, file: str) -> Iterator[tuple[date, float]]:
    """The days under a folder that have a file of this name, or anything of its name, and its time in epoch seconds."""
    try:
        found = list(folder.iterdir())
    except FileNotFoundError:
        return
    for of_day in found:
        day = day_of(of_day.name)
        placed_s = placed_s_of(of_day / file) if day else None
        if day and placed_s is not None:
            yield day, placed_s


def placed_s_of(path: Path) -> float | None:
    """The time of whatever is at a path, even of a link that leads nowhere, in epoch seconds; None where nothing is."""
    try:
        return path.stat().st_mtime
    except OSError:
        try:
            return path.lstat().st_mtime
        except (FileNotFoundError, NotADirectoryError):
            return None
