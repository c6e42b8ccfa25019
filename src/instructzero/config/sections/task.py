"""Settings: the task and its examples."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel

from instructzero.config.fields import Count, Panel, option


class TaskSettings(BaseModel):
    """The task and its examples."""

    task: Annotated[
        str,
        option(Panel.TASK, "built-in task, file (JSONL, JSON, CSV, TSV, Parquet, XLSX) or hf:DATASET", form="TASK"),
    ]
    data_dir: Annotated[
        Path | None,
        option(
            Panel.TASK, "folder of the instruction-induction benchmark; --task names one of its tasks", form="FOLDER"
        ),
    ] = None
    test_data: Annotated[
        Path | None, option(Panel.TASK, "separate file or hf:DATASET with the test examples", form="FILE")
    ] = None
    input_column: Annotated[str, option(Panel.TASK, "column or key of the input; several as subject,body")] = "input"
    output_column: Annotated[str, option(Panel.TASK, "column or key of the accepted answer or answers")] = "output"
    answer_separator: Annotated[
        str | None, option(Panel.TASK, "separator of several accepted answers in one output cell, such as |")
    ] = None
    task_description: Annotated[
        str | None,
        option(Panel.TASK, "what the task is, in your words, for the writer", form="FILE_OR_TEXT", text=True),
    ] = None
    exemplars: Annotated[Count | None, option(Panel.TASK, "examples shown to the writer (default: up to 5)")] = None
    validation: Annotated[
        Count | None, option(Panel.TASK, "examples that score an instruction (default: up to 20)")
    ] = None
    confirmation: Annotated[
        int | None,
        option(
            Panel.TASK,
            "fresh examples for scoring the best instructions again (default: up to 40, if the data suffices)",
            ge=0,
        ),
    ] = None
    test: Annotated[Count | None, option(Panel.TASK, "held-out test examples (default: up to 100)")] = None
