"""The three answers for a range of days as tables for a terminal: service level, abandonment, agent talk time."""

from datetime import date

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table as Grid
from rich.text import Text

from calls_assets.display import apart
from calls_assets.reader import connect
from calls_assets.terminal import say

MOST_DAYS = 31
"""Of longer ranges only the last days are listed; the summary covers all of them."""

ANSWERS = """
    SELECT
        local_date, calls_offered, calls_answered, service_level, average_speed_of_answer_s, abandonment_rate,
        coalesce(talk_h, 0) AS talk_h
    FROM service_level
    JOIN abandonment USING (local_date, dimension, member_id, calls_offered, calls_answered)
    LEFT JOIN (SELECT local_date, sum(talk_s) / 3600 AS talk_h FROM agent_talk_time GROUP BY local_date) USING (local_date)
    WHERE dimension = 'total'
    ORDER BY local_date
"""

IN_ALL = """
    SELECT
        count(*), sum(calls_answered_within_sla)::BIGINT, sum(calls_answered + calls_abandoned)::BIGINT,
        sum(calls_abandoned)::BIGINT
    FROM service_level
    WHERE dimension = 'total'
"""

TALKERS = """
    SELECT agent_id, any_value(agent_alias), sum(calls_handled), sum(talk_s) / 3600 AS talk_h
    FROM agent_talk_time
    WHERE agent_id IS NOT NULL
    GROUP BY agent_id
    ORDER BY talk_h DESC
    LIMIT 5
"""


def print_answers(first: date, last: date, data_url: str, console: Console, listed: int = MOST_DAYS) -> None:
    """Print the answers of the local days from `first` to `last`, of which the last `listed` have a line.

    They are read from the tree at `data_url`.
    """
    with connect(first, last, data_url=data_url) as connection:
        answers = connection.execute(ANSWERS).fetchall()
        ((days, within, counted, abandoned),) = connection.execute(IN_ALL).fetchall()
        talkers = connection.execute(TALKERS).fetchall()

    grid = Grid(title="Are we answering in time, and whom do we lose?", box=SIMPLE_HEAD)
    waits_known = any(speed is not None for *_, speed, _, _ in answers)
    waits = ["speed of\nanswer"] if waits_known else []
    for name in ("day", "offered", "answered", "service\nlevel", *waits, "abandoned", "talk"):
        grid.add_column(name, justify="left" if name == "day" else "right", no_wrap=True)
    for day, offered, answered, level, speed, lost, talk_h in answers[-listed:]:
        waited = ["-" if speed is None else f"{speed:.0f} s"] if waits_known else []
        rates = (_percent(level), *waited, _percent(lost))
        grid.add_row(f"{day:%a %d %b}", f"{offered}", f"{answered}", *rates, f"{talk_h:.1f} h")
    console.print(grid)
    if len(answers) > listed:
        left_out = len(answers) - listed
        days_are = "day is" if left_out == 1 else "days are"
        say(console, f"{left_out} earlier {days_are} left out: calls-assets sql has them.")
    if not waits_known:
        say(
            console,
            "No speed of answer: CALLS_WAIT is not set, or these days contradict it; see calls-assets evidence.",
        )
    talk = Grid(title="Who talks how long? (top 5)", box=SIMPLE_HEAD)
    for name in ("agent", "calls", "talk"):
        is_name = name == "agent"
        talk.add_column(name, justify="left" if is_name else "right", no_wrap=not is_name, overflow="fold")
    names = apart((alias for _, alias, *_ in talkers), (agent_id for agent_id, *_ in talkers))
    for name, (_, _, calls, talk_h) in zip(names, talkers, strict=True):
        talk.add_row(Text(name), f"{calls}", f"{talk_h:.1f} h")
    console.print(talk)
    if counted:
        console.print(
            f"In {'1 day' if days == 1 else f'{days} days'} the service level was [bold]{within / counted:.1%}[/]: of "
            f"{counted} calls that were answered or abandoned, {within} were answered in time; {abandoned} callers "
            f"({abandoned / counted:.1%}) hung up.",
            highlight=False,
        )


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{rate:.1%}"
