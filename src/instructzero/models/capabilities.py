"""The capabilities that several backends share."""

from __future__ import annotations

from instructzero.protocols import Capabilities

LOCAL_WEIGHTS = Capabilities(local=True, free=True, likelihoods=True, soft_prompts=True, states=True, grace_s=0.0)
"""A model whose weights are loaded in this process."""

SERVED_WEIGHTS = Capabilities(soft_prompts=True)
"""A writer on an inference server, which returns texts but no hidden states."""

SCRIPTED = Capabilities(local=True, free=True, soft_prompts=True, states=True)
"""A model without weights; as a black box it takes the place of a paid service, so a run waits for its answers."""

REMOTE = Capabilities()
"""A model behind an API, or a function that may call one."""
