"""The settings of a run, and where they come from: flags, YAML files and Python keywords."""

from instructzero.config.fields import Count, Panel
from instructzero.config.settings import (
    Settings,
    differences,
    make_settings,
    metadata_of,
    panel_of,
    stored_settings,
    text_settings,
)
from instructzero.config.yaml_file import dump_yaml, load_yaml

__all__ = [
    "Count",
    "Panel",
    "Settings",
    "differences",
    "dump_yaml",
    "load_yaml",
    "make_settings",
    "metadata_of",
    "panel_of",
    "stored_settings",
    "text_settings",
]
