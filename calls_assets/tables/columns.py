"""Constructors of the usual kinds of columns, and the columns that several tables share."""

import pyarrow as pa

from calls_assets.tables.schema import Column

INBOUND_OUTCOMES = (
    "in_progress",
    "answered",
    "short_abandoned",
    "abandoned",
    "overflowed",
    "callback_requested",
    "ivr_exit",
    "out_of_hours",
    "unanswered_other",
)
OUTBOUND_OUTCOMES = ("in_progress", "answered", "not_answered")
ENDED_OUTCOMES = (*INBOUND_OUTCOMES[1:], "not_answered")
"""Every outcome that an ended call can have."""
OUTCOMES = ("in_progress", *ENDED_OUTCOMES)

INSTANT = pa.timestamp("us", "UTC")


def an_id(name: str, description: str, required: bool = False, varies: bool = False) -> Column:
    """An id of the phone system."""
    return Column(name, pa.int64(), description, required=required, varied=(name,) if varies else ())


def text(name: str, description: str, required: bool = False, varies: bool = False) -> Column:
    """A name, or one of a few words."""
    return Column(name, pa.string(), description, required=required, varied=(name,) if varies else ())


def flag(name: str, description: str, required: bool = True) -> Column:
    """Yes or no."""
    return Column(name, pa.bool_(), description, required=required)


def count(name: str, description: str, unit: str = "calls", required: bool = True) -> Column:
    """How many."""
    return Column(name, pa.int64(), description, unit, required)


def seconds(name: str, description: str, required: bool = False) -> Column:
    """Whole seconds."""
    return Column(name, pa.int64(), description, "s", required, varied=(name,))


def average(name: str, description: str) -> Column:
    """A sum of seconds over a count."""
    return Column(name, pa.float64(), description, "s")


def per_call(name: str, description: str, unit: str) -> Column:
    """How many a call has on average."""
    return Column(name, pa.float64(), f"{description} Null when there are no such calls.", unit)


def ratio(name: str, description: str) -> Column:
    """A share."""
    return Column(name, pa.float64(), f"{description} Null when the denominator is 0.", "share from 0 to 1")


def instant(name: str, description: str) -> Column:
    """A moment in UTC."""
    return Column(name, INSTANT, description, "UTC", required=True, varied=(name,))


def wall_clock(name: str, description: str, varies: bool = False) -> Column:
    """A moment as the clock on the wall shows it, without a zone."""
    varied = (name,) if varies else ()
    return Column(name, pa.timestamp("us"), description, "local time", required=True, varied=varied)


LOCAL_DATE = Column("local_date", pa.date32(), "Local day of the call's start, in the partitions' zone.", required=True)
CALL_ID = an_id("call_id", "Id of the call.", required=True, varies=True)
DIRECTION = text("direction", "'inbound' or 'outbound'; null where the API does not say.")
INTERVAL_START = Column(
    "interval_start",
    INSTANT,
    "Start of the half-hour in which the call began, floored in local time.",
    "UTC",
    required=True,
)
INTERVAL_START_LOCAL = wall_clock(
    "interval_start_local",
    "interval_start on the wall clock of the partitions' zone; when clocks are put back, two half-hours show the same.",
)

STATUS_OF_DAY = text(
    "day_status",
    "'final', or why the day's figures can still change: any of open_calls, inside_lookback, not_reconciled, "
    "records_unread, separated by commas.",
    required=True,
)
RING_GROUP_ID = an_id("ring_group_id", "Id of the ring group (queue).")
RING_GROUP_NAME = text("ring_group_name", "Name of the ring group; of several in a day, that of the latest call.")
