"""What happens to one call, moment by moment, as the simulation writes it down."""

from dataclasses import dataclass, field

from calls_assets.sandbox.cast import Agent, Line, RingGroup


@dataclass
class Leg:
    """An agent's part in a call, all times in epoch seconds; without `joined_at` the agent did not answer.

    `hangup_reason` is why the leg ended, by FreeSWITCH's names; it is empty while the agent is rung.
    """

    agent: Agent
    rung_at: int
    transfer: bool = False
    joined_at: int | None = None
    left_at: int | None = None
    hangup_reason: str = "NORMAL_CLEARING"


@dataclass
class Journey:
    """One call from its start to its end, all times in epoch seconds.

    `outcome` is the API's `type` token once the call is over; `caller` is a customer's number (None: withheld);
    `external` are external numbers, each with whether it was a transfer and when it joined. A caller who asked for a
    callback was called back `tries` times on the same day; `owed` says that the next working day shall do it. `id` is
    given once the calls of the day are in order.
    """

    inbound: bool
    started_at: int
    line: Line
    caller: int | None = None
    group: RingGroup | None = None
    campaign: tuple[int, str] | None = None
    ivr: tuple[int, str] | None = None
    queued_at: int | None = None
    answered_at: int | None = None
    ended_at: int | None = None
    outcome: str = ""
    warm: bool = False
    follows: "Journey | None" = None
    legs: list[Leg] = field(default_factory=list)
    external: list[tuple[str, bool, int]] = field(default_factory=list)
    tries: int = 0
    owed: bool = False
    id: int = 0

    @property
    def settled(self) -> bool:
        """Whether the call is answered or over, so that what was due while it waited lapses."""
        return self.answered_at is not None or self.ended_at is not None

    @property
    def wait_s(self) -> int | None:
        """Seconds in the queue, rings included; None for a call that was not queued."""
        left = self.ended_at if self.answered_at is None else self.answered_at
        return None if self.queued_at is None or left is None else left - self.queued_at

    @property
    def transferred(self) -> bool:
        """Whether the call was transferred, to an agent or to an external number."""
        return any(leg.transfer for leg in self.legs) or any(transfer for _, transfer, _ in self.external)

    def end(self, now: int, outcome: str) -> None:
        """The call is over."""
        self.ended_at, self.outcome = now, outcome
