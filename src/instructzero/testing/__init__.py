"""Tools for tests of clients of a black box: an endpoint on this machine, and faults that it can simulate."""

from instructzero.testing.endpoint import Endpoint
from instructzero.testing.faults import Fault, Faults
from instructzero.testing.replies import Reply

__all__ = ["Endpoint", "Fault", "Faults", "Reply"]
