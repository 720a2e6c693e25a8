"""The commit that a folder has checked out, read from git's files: starting a process on every run is too dear."""

from pathlib import Path


def commit(folder: Path) -> str | None:
    """The commit's hash, or None where the folder is in no repository or has no commit yet.

    Args:
        folder: the folder, or any above it, holds `.git`.
    """
    try:
        for place in (folder, *folder.parents):
            if (place / ".git").exists():
                return _head(_git_folder(place / ".git"))
    except (OSError, ValueError):
        pass
    return None


def _git_folder(dot_git: Path) -> Path:
    """`.git` itself, or where it points to in a worktree or submodule."""
    if dot_git.is_dir():
        return dot_git
    return dot_git.parent / dot_git.read_text().removeprefix("gitdir:").strip()


def _head(git: Path) -> str | None:
    head = (git / "HEAD").read_text().strip()
    if not head.startswith("ref:"):
        return head or None
    name = head.removeprefix("ref:").strip()
    shared = git / "commondir"
    for place in (git, git / shared.read_text().strip()) if shared.exists() else (git,):
        if (place / name).exists():
            return (place / name).read_text().strip()
        packed = place / "packed-refs"
        lines = packed.read_text().splitlines() if packed.exists() else []
        for line in lines:
            if line.endswith(f" {name}"):
                return line.split()[0]
    return None
