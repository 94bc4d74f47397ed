"""An embedded sandbox of the API in front of a simulated call centre; knows nothing about the pipeline."""

from calls_assets.sandbox.behaviour import Behaviour
from calls_assets.sandbox.calls import SimulatedCall
from calls_assets.sandbox.centre import Centre
from calls_assets.sandbox.faults import ListFault, WireFault
from calls_assets.sandbox.kinds import KindName
from calls_assets.sandbox.meaning import Meaning
from calls_assets.sandbox.repeated import RepeatedCalls
from calls_assets.sandbox.server import Sandbox
from calls_assets.sandbox.sources import FixedCalls, Replay

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
