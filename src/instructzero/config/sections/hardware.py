"""Settings: where local models run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel

from instructzero.config.fields import Count, Panel, option


class HardwareSettings(BaseModel):
    """Where local models run."""

    device: Annotated[
        str,
        option(
            Panel.HARDWARE,
            "device of local models: auto, cpu, cuda, cuda:1, or map, which spreads one model over all devices",
            form="DEVICE",
        ),
    ] = "auto"
    dtype: Annotated[
        Literal["auto", "float32", "bfloat16", "float16", "int8", "int4"],
        option(
            Panel.HARDWARE,
            "precision of local models; auto is float32 on a CPU and the checkpoint's precision elsewhere; int8 and "
            "int4 need a GPU",
        ),
    ] = "auto"
    batch_size: Annotated[
        Count | None,
        option(Panel.HARDWARE, "batch size of local models (default: what suits the device and fits its memory)"),
    ] = None
