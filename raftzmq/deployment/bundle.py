"""A bundle: the files and directories that a deployment consists of, and how they get into a directory."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from raftzmq.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Bundle:
    """What to write: text by file name, which of the files are programs, empty directories, and trees to copy."""

    files: Mapping[str, str]
    programs: frozenset[str] = frozenset()
    directories: tuple[str, ...] = ()
    trees: Mapping[str, Path] = field(default_factory=dict)

    def write(self, directory: Path, *, force: bool = False) -> None:
        """Write everything below ``directory``; with ``force`` over what is there, though nothing is ever removed.

        Raises ConfigurationError if the directory holds something already, or cannot be written.
        """
        try:
            if not force and directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
                raise ConfigurationError(
                    f"{directory} holds something already: choose another directory, or --force to overwrite the "
                    "generated files in it (nodes' data and logs stay)"
                )
            for name in self.directories:
                (directory / name).mkdir(parents=True, exist_ok=True)
            for name, source in self.trees.items():
                shutil.copytree(
                    source, directory / name, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True
                )
            for name, text in self.files.items():
                path = directory / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
                if name in self.programs:
                    path.chmod(0o755)
        except OSError as error:
            raise ConfigurationError(f"{directory} cannot be written: {error.strerror or error}") from None
