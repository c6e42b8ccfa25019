"""The local models of a process that runs one cell after another."""

from __future__ import annotations

from typing import Any

from instructzero.build import build_blackbox, build_judge, build_writer_model
from instructzero.config import Settings
from instructzero.models.registry import capabilities, is_asked
from instructzero.protocols import BlackBox, SoftPromptModel


class LocalModels:
    """Keeps the local models of the last cell loaded for the next cell.

    The models that a run loads are freed with the run, unless another object holds them.
    """

    def __init__(self) -> None:
        self._key: tuple[Any, ...] = ()
        self._writer: SoftPromptModel | None = None
        self._others: list[BlackBox | None] = []

    def writer(self, settings: Settings) -> SoftPromptModel | None:
        """Return the writer of ``settings``, and keep the local ones of its other models loaded too.

        It is None for a writer that is asked in words, which the run loads itself.
        """
        names = ("writer", "writer_url", "blackbox", "judge", "device", "dtype", "batch_size")
        key = tuple(getattr(settings, name) for name in names)
        if key != self._key:
            self._writer, self._others, self._key = None, [], ()  # free the old models before new ones are loaded
            self._writer = None if is_asked(settings.writer) else build_writer_model(settings)
            self._key = key
            if capabilities(settings.blackbox).local:
                self._others.append(build_blackbox(settings))
            if settings.judge is not None and capabilities(settings.judge).local:
                self._others.append(build_judge(settings))
        return self._writer
