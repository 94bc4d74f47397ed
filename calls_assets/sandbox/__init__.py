"""An embedded sandbox API in front of a simulated call centre; knows nothing of the pipeline."""

from calls_assets.sandbox.calls import SimulatedCall
from calls_assets.sandbox.centre import Centre, FixedCalls
from calls_assets.sandbox.faults import ListFault, WireFault
from calls_assets.sandbox.kinds import KindName
from calls_assets.sandbox.meaning import Meaning
from calls_assets.sandbox.query import Behaviour
from calls_assets.sandbox.repeated import RepeatedCalls
from calls_assets.sandbox.replay import Replay
from calls_assets.sandbox.server import Sandbox

__all__ = [
    "Behaviour",
    "Centre",
    "FixedCalls",
    "KindName",
    "ListFault",
    "Meaning",
    "RepeatedCalls",
    "Replay",
    "Sandbox",
    "SimulatedCall",
    "WireFault",
]
