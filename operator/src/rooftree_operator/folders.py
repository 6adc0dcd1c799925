"""Files in a folder that somebody else may write to, too: reached by open folders, and no link is ever followed.

Whoever writes a backup owns its folder, and may leave anything there: links, pipes, trees without end, folders that
nobody may enter. A path is never built from a name: each folder is opened in the one before it.
"""

import errno
import os
import re
import secrets
import stat
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path

PARTIAL = ".partial"
# Ids of tenants, names of backups, tries and segments, and the manifest. None leads anywhere else.
NAME = re.compile(r"[a-z0-9][-a-z0-9]{0,62}(\.json)?")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe is opened without waiting for whoever writes into it.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_OWN = stat.S_IRWXU
_NO_FILE = (errno.ELOOP, errno.ENXIO, errno.EACCES)  # a link, a socket, or closed


class Strange(Exception):
    """What lies there is nothing that we write."""


def checked(name: str) -> str:
    """Raises ValueError for what is no name of ours."""
    if not NAME.fullmatch(name):
        raise ValueError(f"not a name of a backup's file or folder: {name!r}")
    return name


@contextmanager
def opened(root: Path, *names: str) -> Generator[int]:
    """The folder that `names` lead to, each in the one before. Raises FileNotFoundError, or NotADirectoryError."""
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for name in names:
            inner = os.open(checked(name), _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = inner
        yield folder
    finally:
        os.close(folder)


@contextmanager
def inside(folder: int, name: str) -> Generator[int]:
    """A folder that somebody else owns, in one of ours. Raises FileNotFoundError, or `Strange` if it is closed."""
    try:
        inner = os.open(checked(name), _FOLDER, dir_fd=folder)
    except (PermissionError, NotADirectoryError) as error:
        raise Strange(f"{name} is no folder that can be read: {error.strerror}") from error
    try:
        yield inner
    finally:
        os.close(inner)


def has(folder: int, name: str) -> bool:
    """Whether anything is called so there."""
    try:
        os.stat(checked(name), dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return True


def make(folder: int, name: str, mode: int) -> None:
    """A folder with these rights, whatever the process's mask is; one that is there gets them, too."""
    with suppress(FileExistsError):
        os.mkdir(checked(name), _OWN, dir_fd=folder)
    inner = os.open(name, _FOLDER, dir_fd=folder)
    try:
        if stat.S_IMODE(os.fstat(inner).st_mode) != mode:
            os.fchmod(inner, mode)
    finally:
        os.close(inner)
    os.fsync(folder)


def write(folder: int, name: str, content: bytes) -> None:
    """A file, whole or not at all, also if the machine goes down right afterwards."""
    partial = checked(name) + PARTIAL
    with suppress(FileNotFoundError):
        os.unlink(partial, dir_fd=folder)
    try:
        with open(os.open(partial, _NEW, 0o660, dir_fd=folder), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, name, src_dir_fd=folder, dst_dir_fd=folder)
    except OSError:
        # A full disk shall have room again.
        with suppress(OSError):
            os.unlink(partial, dir_fd=folder)
        raise
    os.fsync(folder)


def read(folder: int, name: str, most: int) -> bytes:
    """A file of at most `most` bytes. Raises FileNotFoundError, or `Strange` for anything else than such a file."""
    try:
        handle = os.open(checked(name), _FILE, dir_fd=folder)
    except OSError as error:
        if error.errno in _NO_FILE:
            raise Strange(f"{name} is no file that can be read: {error.strerror}") from error
        raise
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise Strange(f"{name} is no file")
        with open(handle, "rb", closefd=False) as file:
            content = file.read(most + 1)
    finally:
        os.close(handle)
    if len(content) > most:
        raise Strange(f"{name} has more than {most} bytes")
    return content


def sizes(folder: int, most: int) -> dict[str, int]:
    """Sizes of the files with names of ours, in the folder and in those right in it; what else there is does not count.

    Raises `Strange` for more than `most` entries.
    """
    found: dict[str, int] = {}
    for number, (parent, entry) in enumerate(_two_levels(folder)):
        if number == most:
            raise Strange(f"there are more than {most} files")
        size = _size(entry)
        if size is not None:
            found[f"{parent}{entry.name}"] = size
    return found


def is_empty(folder: int) -> bool:
    return next(_entries(folder), None) is None


def remove(folder: int, name: str, most: int) -> bool:
    """Takes away a folder with at most `most` of all that is in it; False: there is more."""
    try:
        top = _entered(folder, checked(name))
    except FileNotFoundError:
        return True
    try:
        if not clear(top, most):
            return False
    finally:
        os.close(top)
    os.rmdir(name, dir_fd=folder)
    os.fsync(folder)
    return True


def clear(top: int, most: int) -> bool:
    """Takes away at most `most` of all that is in the folder; whether nothing is left.

    What is deeper is brought up first, so that no depth needs more than two open folders, or a path.
    """
    left = most
    for entry in list(islice(_entries(top), most)):
        if left <= 0:
            return False
        left -= _taken(top, entry, left)
    return is_empty(top)


def remove_empty(folder: int, name: str) -> None:
    """One that is gone is fine."""
    with suppress(FileNotFoundError):
        os.rmdir(checked(name), dir_fd=folder)
    os.fsync(folder)


def _taken(top: int, entry: "os.DirEntry[str]", most: int) -> int:
    """Takes an entry away, of a folder at most `most`; how many that were."""
    if not _is_folder(entry):
        os.unlink(entry.name, dir_fd=top)
        return 1
    inner, taken = _entered(top, entry.name), 1
    try:
        for one in list(islice(_entries(inner), most)):
            if _is_folder(one):
                os.close(_entered(inner, one.name))  # only who may write to a folder may move it
                os.rename(one.name, secrets.token_hex(16), src_dir_fd=inner, dst_dir_fd=top)
            else:
                os.unlink(one.name, dir_fd=inner)
            taken += 1
        rest = not is_empty(inner)
    finally:
        os.close(inner)
    if not rest:
        os.rmdir(entry.name, dir_fd=top)
    return taken


def _entered(folder: int, name: str) -> int:
    """The open folder, also if its owner, who is the same as we, has let nobody in."""
    handle = os.open(name, os.O_PATH | _FOLDER, dir_fd=folder)
    try:
        if os.fstat(handle).st_mode & _OWN != _OWN:
            os.chmod(f"/proc/self/fd/{handle}", _OWN)  # that is exactly what was opened, whatever bears its name now
        return os.open(".", _FOLDER, dir_fd=handle)
    finally:
        os.close(handle)


def _entries(folder: int) -> Iterator["os.DirEntry[str]"]:
    with os.scandir(folder) as found:
        yield from found


def _two_levels(folder: int) -> Iterator[tuple[str, "os.DirEntry[str]"]]:
    """Everything in the folder, and in folders of ours right in it, each with the path to it."""
    for entry in _entries(folder):
        yield "", entry
        if not NAME.fullmatch(entry.name) or not _is_folder(entry):
            continue
        # What is gone, another thing now, or closed, does not count.
        with suppress(FileNotFoundError, Strange), inside(folder, entry.name) as inner:
            for one in _entries(inner):
                yield f"{entry.name}/", one


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    return entry.is_dir(follow_symlinks=False)


def _size(entry: "os.DirEntry[str]") -> int | None:
    """Of a file of ours; None of anything else."""
    if not NAME.fullmatch(entry.name):
        return None
    try:
        seen = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return None
    return seen.st_size if stat.S_ISREG(seen.st_mode) else None
