"""What the document leaves open about records."""

from dataclasses import dataclass
from typing import Literal

from calls_assets.waits import DURATION_LESS_TALK, LEG_START

TOO_MUCH = 0.02
"""Noise from which on no method of telling waits can be proven."""


@dataclass(frozen=True)
class Meaning:
    """What a record says of a call, where the document leaves it open.

    The calls are the same under every meaning; only their records and call types differ.

    Attributes:
        sla_clock: whether the timer of `is_answered_within_sla` starts when the caller enters the queue, so that the
            voice menu is left out, or with the call.
        sla_s: the longest time in seconds within the service level, for all ring groups; None: each has its own.
        leg_start: whether an agent leg's `started_at` is when the agent was rung, or when they answered; legs that were
            rung in vain have the time of the ring either way.
        duration: whether an inbound call's `duration` is the whole call or the talk, as it always is of outbound calls.
        distributed: whether abandoned calls that rang an agent count under the distributed call type beside `abandoned`
            or `short_abandoned` (inside), or under it alone (beside).
        short: whether short-abandoned calls are separate from the abandoned ones (apart), or are among them (inside).
        warm: whether warm transfers count as `transfer` too (inside), or as `warm_transfer` alone (beside).
        tokens: whether `type` names how the call went, or only whether it was `answered` or `missed`.
        noise: share of answered inbound calls whose `is_answered_within_sla` is inverted, for no reason.
    """

    sla_clock: Literal["queue", "call"] = "queue"
    sla_s: int | None = None
    leg_start: Literal["ring", "answer"] = "ring"
    duration: Literal["call", "talk"] = "call"
    distributed: Literal["inside", "beside"] = "inside"
    short: Literal["apart", "inside"] = "apart"
    warm: Literal["inside", "beside"] = "inside"
    tokens: Literal["outcome", "coarse"] = "outcome"
    noise: float = 0.0

    @property
    def wait_method(self) -> str | None:
        """How waits are told from the records, one of `waits.METHODS`; None where the vendor's verdict is on another wait."""
        if self.sla_clock == "queue" or self.noise >= TOO_MUCH:
            return None
        if self.duration == "call":
            return DURATION_LESS_TALK
        return LEG_START if self.leg_start == "answer" else None
