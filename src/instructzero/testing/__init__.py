"""What a test of anything that talks to a black box needs: an endpoint on this machine, and its faults."""

from instructzero.testing.endpoint import Endpoint
from instructzero.testing.faults import Fault, Faults

__all__ = ["Endpoint", "Fault", "Faults"]
