"""Where a tree can lie, and what lies in a folder of it: days by their folders' names, and when each was put there."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

OBJECT_STORES = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss")
"""What keeps files: other kinds of storage keep them in memory, or in a copy, or cannot be written to."""
DAY_FOLDER = re.compile(r"date=(20[0-9]{2}-[0-9]{2}-[0-9]{2})")
LOCAL = ("", "file", "local")
PASSWORD = re.compile("[^/]*://[^/]*:[^/]*@")


def check_no_password(root: str) -> None:
    """Raise a ValueError, which does not tell it, where a URL holds a password: errors and logs name the root."""
    if PASSWORD.match(root):
        raise ValueError(
            "CALLS_DATA_URL holds a password: leave it out, and give the credentials in the environment, such as "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )


def check_kind(root: str, protocol: str) -> None:
    """Raise a ValueError where no files are kept under a root of that kind."""
    if protocol in LOCAL and root.partition(":")[0].lower() in OBJECT_STORES:
        raise ValueError("two slashes are missing")
    if protocol not in (*LOCAL, *OBJECT_STORES):
        raise ValueError(f"nothing can be written there that stays, as it does with {', '.join(OBJECT_STORES)}")
    if protocol in OBJECT_STORES and not root.partition("://")[2].strip("/"):
        raise ValueError("the bucket is missing")


def day_of(folder: str) -> date | None:
    """The day whose files lie in a folder of that name, of this century as all days that can be set; None for any other."""
    found = DAY_FOLDER.fullmatch(folder)
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None


def placed_on_disk(folder: Path, file: str) -> Iterator[tuple[date, float]]:
    """The days under a folder that have something of a file's name, each with when it was put there, in epoch seconds."""
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
    """When whatever lies there was put there, if only a link that leads nowhere; None where nothing lies there."""
    try:
        return path.stat().st_mtime
    except OSError:
        try:
            return path.lstat().st_mtime
        except (FileNotFoundError, NotADirectoryError):
            return None
