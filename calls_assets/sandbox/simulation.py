"""One day of the call centre, event by event: arrivals, voice menus, queues, rings, talks, transfers and callbacks.

All times are whole epoch seconds; the calendar of the day (opening hours, expected calls) is given, so that nothing here
knows about time zones.
"""

import heapq
from collections import defaultdict, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle
from typing import Any, TypeVar

from calls_assets.sandbox import cast
from calls_assets.sandbox.callers import AGAIN, RETURNS, WITHHELD, Callers
from calls_assets.sandbox.cast import Agent, Line, RingGroup
from calls_assets.sandbox.dice import Dice
from calls_assets.sandbox.journey import Journey, Leg
from calls_assets.sandbox.kinds import Kind

_T = TypeVar("_T")

SHORT_S = 10
"""Callers who hang up sooner than this after the call's start are short abandons."""

RING_S = 15
"""How long an agent is rung before the next one."""

MISSED: Mapping[str, tuple[float, int, int]] = {
    "NO_ANSWER": (0.55, RING_S, RING_S),
    "CALL_REJECTED": (0.25, 2, RING_S - 1),
    "USER_BUSY": (0.15, 1, 1),
    "USER_NOT_REGISTERED": (0.05, 1, 1),
}
"""Why an agent does not take a ring (it rang out, was declined, met a busy telephone or none at all) -> how often, and the
seconds between which it ends."""

CALLBACKS: Mapping[str, float] = {"today": 0.84, "next day": 0.1, "never": 0.06}
"""When a callback that was asked for is made, and how often."""

LUNCH_S = 45 * 60


@dataclass(frozen=True)
class Shift:
    """When an agent works, in epoch seconds; `lunch_at` is None on short shifts."""

    agent: Agent
    start: int
    end: int
    lunch_at: int | None = None


@dataclass(frozen=True)
class DayPlan:
    """A day's opening hours (epoch seconds; None: closed all day), shifts, callers and expected calls.

    `groups` are the ring groups that are staffed, `rates` the inbound calls expected in each slot of `slot_s` seconds from
    `start` on. Agents dial from campaigns from `dial_from` until `dial_until`.
    """

    kind: Kind
    start: int
    end: int
    open_at: int | None
    close_at: int | None
    shifts: Sequence[Shift]
    callers: Callers
    groups: Sequence[RingGroup]
    rates: Sequence[float]
    slot_s: int
    dial_from: int
    dial_until: int

    def is_open(self, now: int) -> bool:
        """Whether callers are let in at this second."""
        return self.open_at is not None and self.close_at is not None and self.open_at <= now < self.close_at


@dataclass
class _Worker:
    """An agent at work; `stint` counts how often they became busy, so that what was due in an older idle spell lapses."""

    agent: Agent
    queue: "_Queue"
    until: int
    lunch_at: int | None
    stint: int = 0


@dataclass
class _Queue:
    """A ring group at work; `idle` agents are in the order in which they became idle."""

    group: RingGroup
    waiting: deque[Journey] = field(default_factory=deque)
    idle: list[_Worker] = field(default_factory=list)
    callbacks: deque[Journey] = field(default_factory=deque)


def simulate(plan: DayPlan, dice: Dice) -> list[Journey]:
    """All calls that start on the planned day, finished and in order of their start."""
    day = _Day(plan, dice)
    day.run()
    return sorted(day.journeys, key=lambda journey: journey.started_at)


def call_back_first(journeys: Sequence[Journey], before: Sequence[Journey]) -> list[Journey]:
    """The calls of a day whose agents first call back who is still owed a callback from the working day before.

    The first calls from a campaign of each ring group become these callbacks, so that the rest of the day stays as it was,
    and a day depends on no more than one before it.
    """
    owed: defaultdict[int, deque[Journey]] = defaultdict(deque)
    for call in before:
        if call.owed and call.group:
            owed[call.group.id].append(call)

    def instead(call: Journey) -> Journey:
        if call.inbound or not call.campaign or not owed[call.legs[0].agent.group]:
            return call
        asked = owed[call.legs[0].agent.group].popleft()
        return replace(call, line=asked.line, caller=asked.caller, group=asked.group, campaign=None, follows=asked)

    return [instead(call) for call in journeys]


class _Day:
    def __init__(self, plan: DayPlan, dice: Dice) -> None:
        self.plan, self.kind = plan, plan.kind
        self.dice = dice
        self.new_callers = cycle(plan.callers.new)
        self.now = plan.start
        self.journeys: list[Journey] = []
        self._events: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._count = 0
        self.queues = {group.id: _Queue(group) for group in plan.groups}

    def at(self, when: int, action: Callable[..., None], *args: Any) -> None:
        self._count += 1
        heapq.heappush(self._events, (when, self._count, action, args))

    def run(self) -> None:
        self.at(self.plan.end, self.leave_callbacks)
        for shift in self.plan.shifts:
            worker = _Worker(shift.agent, self.queues[shift.agent.group], shift.end, shift.lunch_at)
            self.at(shift.start, self.come_free, worker)
            for when in filter(None, (shift.end, shift.lunch_at)):
                self.at(when, self.leave_if_idle, worker)
        self.expect_arrivals()
        while self._events:
            self.now, _, action, args = heapq.heappop(self._events)
            action(*args)

    # Callers.

    def expect_arrivals(self) -> None:
        plan, dice = self.plan, self.dice
        slot, due = 0, dice.expovariate(1.0)
        while slot < len(plan.rates):
            # A Poisson process whose clock runs at the slot's rate; the rest of the exponential continues in the next slot.
            rate, begin = plan.rates[slot], plan.start + slot * plan.slot_s
            spent = 0.0
            while spent + due < rate:
                spent += due
                due = dice.expovariate(1.0)
                self.at(min(begin + int(spent / rate * plan.slot_s), plan.end - 1), self.arrive)
            due -= rate - spent
            slot += 1

    def arrive(self) -> None:
        line = _pick(self.dice, self.kind.lines, [line.share for line in self.kind.lines])
        if self.dice.chance(WITHHELD):
            self.dialled_by(None, line)
        elif self.dice.chance(sum(RETURNS)):
            self.dialled_by(self.plan.callers.returning(self.dice), line)
        else:
            self.dialled_by(next(self.new_callers), line)

    def dialled_by(self, caller: int | None, line: Line) -> None:
        dice, now = self.dice, self.now
        if now >= self.plan.end:  # a call that starts then belongs to the next day
            return
        call = Journey(True, now, line, caller, campaign=line.campaign)
        self.journeys.append(call)
        if not self.plan.is_open(now):
            self.end(call, now + dice.seconds(9, 40), "out_of_business_hours")
            return
        hasty = dice.chance(0.035)
        if line.ivr is None:
            self.enter_queue(call, hasty)
            return
        call.ivr = line.ivr
        if not hasty and dice.chance(0.08):
            self.end(call, now + dice.about(28, 0.6, 3, 240), "ivr_exit")
            return
        self.at(now + (dice.seconds(2, 5) if hasty else dice.about(16, 0.5, 5, 90)), self.enter_queue, call, hasty)

    def enter_queue(self, call: Journey, hasty: bool) -> None:
        dice, now = self.dice, self.now
        queue = self.queue_for(call.line)
        call.group, call.queued_at = queue.group, now
        if len(queue.waiting) >= queue.group.room:
            self.end(call, now + 1, "overflowed")
            return
        queue.waiting.append(call)
        self.at(
            now + (dice.seconds(1, 6) if hasty else 5 + dice.after(self.kind.patience_s)), self.hang_up, call, queue
        )
        self.at(now + queue.group.max_wait_s, self.overflow, call, queue)
        if call.caller is not None and dice.chance(self.kind.callback_share):
            self.at(now + dice.seconds(40, 70), self.ask_for_callback, call, queue)
        if dice.chance(0.003):
            self.at(now + dice.seconds(5, 15), self.lose, call, queue)
        self.distribute(queue)

    def end(self, call: Journey, when: int, outcome: str) -> None:
        call.end(when, outcome)
        if call.inbound:
            share, mean_s = AGAIN[outcome]
            if self.dice.chance(share):
                self.at(when + 10 + self.dice.after(mean_s), self.dialled_by, call.caller, call.line)

    def queue_for(self, line: Line) -> _Queue:
        if line.group in self.queues and not self.dice.chance(0.1):
            return self.queues[line.group]
        queues = list(self.queues.values())
        return _pick(self.dice, queues, [queue.group.share for queue in queues])

    def hang_up(self, call: Journey, queue: _Queue) -> None:
        if not call.settled:
            short = self.now - call.started_at < SHORT_S
            self.leave_queue(call, queue, "short_abandoned" if short else "abandoned")

    def lose(self, call: Journey, queue: _Queue) -> None:
        if not call.settled:
            self.leave_queue(call, queue, "missed", "NORMAL_TEMPORARY_FAILURE")

    def overflow(self, call: Journey, queue: _Queue) -> None:
        if call in queue.waiting:
            self.leave_queue(call, queue, "overflowed")
        elif not call.settled:  # an agent is being rung; only waiting calls overflow
            self.at(self.now + RING_S, self.overflow, call, queue)

    def ask_for_callback(self, call: Journey, queue: _Queue) -> None:
        if call in queue.waiting:
            self.leave_queue(call, queue, "callback")
            made = _pick(self.dice, list(CALLBACKS), list(CALLBACKS.values()))
            call.owed = made == "next day"
            if made == "today":
                self.promise_callback(call, queue)

    def leave_queue(self, call: Journey, queue: _Queue, outcome: str, cause: str = "ORIGINATOR_CANCEL") -> None:
        if call in queue.waiting:
            queue.waiting.remove(call)
        self.stop_ringing(call, cause)
        self.end(call, self.now, outcome)

    def stop_ringing(self, call: Journey, cause: str) -> None:
        for leg in call.legs:
            leg.hangup_reason = leg.hangup_reason or cause  # pick_up() and miss() free the agents

    # Agents.

    def come_free(self, worker: _Worker) -> None:
        queue, now = worker.queue, self.now
        if not queue.waiting and not queue.callbacks and self.rest(worker):
            return
        queue.idle.append(worker)
        self.distribute(queue)
        if worker in queue.idle and queue.callbacks:
            self.call_back(worker, queue.callbacks.popleft())
        elif worker in queue.idle:
            self.at(now + self.dice.after(self.kind.dial_after_s), self.dial, worker, worker.stint)

    def rest(self, worker: _Worker) -> bool:
        """Send the agent home or to lunch if it is time, and return whether it was."""
        if self.now >= worker.until:
            return True
        if worker.lunch_at is None or self.now < worker.lunch_at:
            return False
        worker.lunch_at = None
        self.at(min(self.now + LUNCH_S, worker.until), self.come_free, worker)
        return True

    def leave_if_idle(self, worker: _Worker) -> None:
        if worker in worker.queue.idle and self.rest(worker):
            self.engage(worker)

    def engage(self, worker: _Worker) -> _Worker:
        worker.queue.idle.remove(worker)
        worker.stint += 1
        return worker

    def wrap_up(self, worker: _Worker) -> None:
        self.at(self.now + self.dice.about(25, 0.5, 5, 180), self.come_free, worker)

    def distribute(self, queue: _Queue) -> None:
        while queue.waiting and queue.idle:
            call = queue.waiting.popleft()
            for worker in queue.idle[: queue.group.rung]:
                self.ring(call, self.engage(worker))

    def ring(self, call: Journey, worker: _Worker) -> None:
        leg = Leg(worker.agent, self.now, hangup_reason="")
        call.legs.append(leg)
        if self.dice.chance(0.92):
            self.at(self.now + self.dice.about(7, 0.4, 2, RING_S - 1), self.pick_up, call, worker, leg)
        else:
            cause = _pick(self.dice, list(MISSED), [share for share, _, _ in MISSED.values()])
            _, least_s, most_s = MISSED[cause]
            self.at(self.now + self.dice.seconds(least_s, most_s), self.miss, call, worker, leg, cause)

    def miss(self, call: Journey, worker: _Worker, leg: Leg, cause: str) -> None:
        if leg.hangup_reason:
            self.come_free(worker)
            return
        leg.hangup_reason = cause
        if all(each.hangup_reason for each in call.legs):  # nobody else is being rung
            worker.queue.waiting.appendleft(call)
        self.at(self.now + self.dice.seconds(30, 150), self.come_free, worker)
        self.distribute(worker.queue)

    def pick_up(self, call: Journey, worker: _Worker, leg: Leg) -> None:
        if leg.hangup_reason:
            self.come_free(worker)
            return
        call.answered_at = leg.joined_at = self.now
        leg.hangup_reason = "NORMAL_CLEARING"
        self.stop_ringing(call, "LOSE_RACE")
        talk_s = self.dice.about(worker.queue.group.talk_median_s, 0.75, 8)
        kind = _pick(self.dice, ("stay", "cold", "warm", "outside"), (0.90, 0.055, 0.03, 0.015))
        if kind == "stay" or talk_s < 45:
            self.at(self.now + talk_s, self.finish, call, worker, leg)
            return
        before_s = int(talk_s * (0.2 + 0.5 * self.dice.random()))
        self.at(self.now + before_s, self.hand_on, call, worker, leg, kind, talk_s - before_s)

    def finish(self, call: Journey, worker: _Worker, leg: Leg) -> None:
        leg.left_at = self.now
        self.end(call, self.now, "answered")
        self.wrap_up(worker)

    # Transfers.

    def hand_on(self, call: Journey, worker: _Worker, leg: Leg, kind: str, rest_s: int) -> None:
        if kind == "outside":
            call.external.append((self.dice.choice(cast.PARTNER_NUMBERS), True, self.now))
            self.at(self.now + rest_s, self.end, call, self.now + rest_s, "answered")
            self.release(worker, leg)
            return
        free = [queue.idle[0] for queue in self.queues.values() if queue.idle]
        if not free:
            self.at(self.now + rest_s, self.finish, call, worker, leg)
            return
        second = self.engage(self.dice.choice(free))
        second_leg = Leg(second.agent, self.now, transfer=True)
        call.legs.append(second_leg)
        joined_at = self.now + self.dice.seconds(3, 9)
        self.at(joined_at, self.join, second_leg)
        if kind == "warm":
            call.warm = True
            consult_s = self.dice.seconds(15, 60)
            rest_s += consult_s
            self.at(joined_at + consult_s, self.release, worker, leg)
        else:
            self.release(worker, leg)
        self.at(joined_at + rest_s, self.finish, call, second, second_leg)

    def join(self, leg: Leg) -> None:
        leg.joined_at = self.now

    def release(self, worker: _Worker, leg: Leg) -> None:
        leg.left_at = self.now
        self.wrap_up(worker)

    # Outbound calls.

    def promise_callback(self, call: Journey, queue: _Queue) -> None:
        close_at = self.plan.close_at or self.now
        due = min(self.now + self.dice.seconds(300, 2400), close_at - self.dice.seconds(30, 120))
        self.at(max(due, self.now + 20), self.start_callback, call, queue)

    def start_callback(self, call: Journey, queue: _Queue) -> None:
        if self.now >= self.plan.end:  # a call that starts then belongs to the next day
            call.owed = not call.tries
            return
        queue.callbacks.append(call)
        if queue.idle:
            self.call_back(queue.idle[0], queue.callbacks.popleft())

    def leave_callbacks(self) -> None:
        for queue in self.queues.values():
            for call in queue.callbacks:
                call.owed = not call.tries
            queue.callbacks.clear()

    def call_back(self, worker: _Worker, asked: Journey) -> None:
        asked.tries += 1
        group = worker.queue.group
        call = Journey(False, self.now, asked.line, asked.caller, group, follows=asked)
        self.place(self.engage(worker), call, likely=0.8, talk_median_s=group.talk_median_s)

    def dial(self, worker: _Worker, stint: int) -> None:
        last = min(worker.until - 300, self.plan.dial_until - 1)
        if worker.stint != stint or worker not in worker.queue.idle or self.now > last:
            return
        if self.now < self.plan.dial_from:
            self.at(self.plan.dial_from + self.dice.after(self.kind.dial_after_s), self.dial, worker, stint)
            return
        if len(worker.queue.idle) <= self.kind.kept_free:  # somebody stays free for callers
            self.at(self.now + 120, self.dial, worker, stint)
            return
        group = worker.queue.group
        caller = int(self.dice.random() * self.plan.callers.customers)
        campaign = self.dice.choice(group.campaigns)
        call = Journey(False, self.now, self.kind.caller_id(group), caller, campaign=campaign)
        self.place(self.engage(worker), call, likely=self.kind.reached, talk_median_s=110)

    def place(self, worker: _Worker, call: Journey, likely: float, talk_median_s: int) -> None:
        self.journeys.append(call)
        leg = Leg(worker.agent, self.now)
        call.legs.append(leg)
        if self.dice.chance(likely):
            self.at(self.now + self.dice.about(13, 0.4, 4, 35), self.reach, call, worker, leg, talk_median_s)
        else:
            leg.hangup_reason = self.dice.choice(("NO_ANSWER", "NO_ANSWER", "USER_BUSY", "NO_USER_RESPONSE"))
            self.at(self.now + self.dice.seconds(5, 40), self.give_up, call, worker)

    def reach(self, call: Journey, worker: _Worker, leg: Leg, talk_median_s: int) -> None:
        call.answered_at = leg.joined_at = self.now
        self.at(self.now + self.dice.about(talk_median_s, 0.8, 6), self.finish, call, worker, leg)

    def give_up(self, call: Journey, worker: _Worker) -> None:
        self.end(call, self.now, "not_answered")
        self.wrap_up(worker)
        if call.follows and call.follows.tries == 1 and self.dice.chance(0.6):
            self.promise_callback(call.follows, worker.queue)


def _pick(dice: Dice, things: Sequence[_T], weights: Sequence[float]) -> _T:
    return dice.choices(things, weights)[0]
