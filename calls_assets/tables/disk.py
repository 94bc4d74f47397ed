"""Files on this machine's disk: replaced whole or not at all, even when a process is killed or the power fails."""

import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path

FILE_MODE, FOLDER_MODE = 0o640, 0o750
"""Call records are personal data: their owner and group read them, nobody else."""


def lock(handle: int, waiting: Callable[[], None]) -> None:
    """Lock an open file or folder, after `waiting` was called where another process has it locked."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        waiting()
        fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError:
        pass  # a file system that cannot lock folders


def make_folder(folder: Path) -> None:
    """Make a folder and its parents: not readable by all, as `mkdir(parents=True)` makes them, and safe from a power cut."""
    if not folder.is_dir():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True, mode=FOLDER_MODE)
        _settle(folder.parent)


def _settle(folder: Path) -> None:
    """Make the names in a folder survive a power cut, where the file system supports that."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
    finally:
        os.close(handle)


def replace_file(final: Path, content: memoryview) -> None:
    """Put a file in the place of `final`, whose folder is made, by renaming it from a temporary name.

    Raises:
        OSError: the system refuses; what was there before still is.
    """
    make_folder(final.parent)
    _make_way(final)
    _remove_stale(final)
    is_done = False
    while not is_done:
        temporary = final.with_name(f".{final.name}.{secrets.token_hex(8)}.tmp")
        try:
            is_done = _write_and_rename(temporary, final, content)
        except BaseException:  # a run may be terminated at any line
            temporary.unlink(missing_ok=True)
            raise


def _write_and_rename(temporary: Path, final: Path, content: memoryview) -> bool:
    """Write a file beside `final` and rename it onto that; its lock tells a live writer from a dead one.

    Returns whether it succeeded: before the file is locked, another writer may take it for a dead one's and remove it.
    """
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, FILE_MODE)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if not os.fstat(handle).st_nlink:
            return False
        left = content
        while left:  # no buffer, which an interruption could leave to a closed handle
            left = left[os.write(handle, left) :]
        os.fsync(handle)
        temporary.replace(final)
        _settle(final.parent)
        return True
    finally:
        os.close(handle)


def _make_way(final: Path) -> None:
    """Remove an empty folder in the place of a file; what a folder holds is not ours to remove."""
    if final.is_dir() and not final.is_symlink():
        try:
            final.rmdir()
        except OSError:
            raise OSError(errno.ENOTEMPTY, "a folder that is not empty has its name: move it away") from None


def _remove_stale(final: Path) -> None:
    """Remove what dead writers of `final` have left; the file of a live writer stays, and so do folders."""
    for temporary in final.parent.glob(f".{final.name}.*.tmp"):
        try:
            kind = temporary.lstat().st_mode
            if not stat.S_ISREG(kind):  # to open a pipe is to wait for whoever reads it
                temporary.unlink()
                continue
            handle = os.open(temporary, os.O_WRONLY | os.O_NOFOLLOW)
        except OSError:  # it has gone, or is not ours to touch
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            temporary.unlink(missing_ok=True)
        except BlockingIOError:
            pass
        finally:
            os.close(handle)
