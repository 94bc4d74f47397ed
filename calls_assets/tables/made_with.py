"""The settings that a tree was made with: those that decide what lands in it, and on which day.

Days made with different settings must not be mixed. In another zone a call would land on a second day and count twice; under
another privacy policy, key or filter, one day would hold something else than the next. A run with other settings is therefore
refused.
"""

import json
from collections.abc import Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from calls_assets.api.document import Query
from calls_assets.api.privacy import PSEUDONYMISE, Privacy
from calls_assets.display import shown
from calls_assets.tables.store import TableStore

MEMORY = "_made_with.json"
"""The file at the root of a tree that holds them; readers of the tree ignore names with an underscore."""

ZONE, PRIVACY, KEY, FILTERS, TIMES_ZONE = (
    "CALLS_TIMEZONE",
    "CALLS_PRIVACY",
    "CALLS_PRIVACY_KEY",
    "CALLS_FILTERS",
    "CALLS_TIMES_ZONE",
)

ALWAYS = {ZONE, PRIVACY, FILTERS, TIMES_ZONE}
"""The settings that every such file has; the key is there only with pseudonyms."""

MOST_SHOWN = 1000
"""The most characters that a message shows of a setting: filters can be long."""

MadeWith = Mapping[str, str]
"""Values by variable: empty where one is not set, and a fingerprint instead of the key."""


def made_with(zone: str, privacy: Privacy, filters: Query, times_zone: str) -> dict[str, str]:
    """The settings of a pull that its tree will remember; `times_zone` is empty where it is unknown."""
    settings = {ZONE: zone, PRIVACY: privacy.policy, FILTERS: filters.spelt_filters, TIMES_ZONE: times_zone}
    return settings | ({KEY: privacy.fingerprint} if privacy.policy == PSEUDONYMISE else {})


def check(store: TableStore, run: MadeWith) -> dict[str, str]:
    """Compare a run's settings with those that its tree was made with; returns the latter, empty for a new tree.

    Args:
        store: The tree.
        run: The settings that matter to the run; others are not compared.

    Raises:
        ValueError: some differ, or the tree's file cannot be read; says what to do, without the key.
        NotRead: the storage refused.
    """
    known = _known(store)
    others = [name for name, value in run.items() if name in known and known[name] != value]
    if not known.get(TIMES_ZONE) and TIMES_ZONE in others:
        others.remove(TIMES_ZONE)  # until now, calls whose time needs it were set aside, so none can land twice
    if others:
        was = " and ".join(_told(name, known[name], "one") for name in others)
        now = " and ".join(_told(name, run[name], "another") for name in others)
        back = " and ".join(_back(name, known[name]) for name in others)
        raise ValueError(
            f"The tree in {store.root} was made with {was}, but this run has {now}: {back}, or set CALLS_DATA_URL to a tree "
            "of its own."
        )
    return known


def remember(store: TableStore, known: MadeWith, run: MadeWith) -> None:
    """Add a run's settings to the known settings of its tree.

    Raises:
        NotWritten: the storage refused.
    """
    both = {**known, **run}
    if both != known:
        store.put(MEMORY, f"{json.dumps(both, indent=2, sort_keys=True)}\n".encode())


def zone_of(store: TableStore) -> ZoneInfo | None:
    """The zone of a tree's local days; None where the tree does not say.

    Raises:
        ValueError: the tree's file cannot be read, or this machine does not know the zone.
        NotRead: the storage refused.
    """
    name = _known(store).get(ZONE)
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(
            f"The tree in {store.root} was made with {_told(ZONE, str(name), 'one')}, a zone that this machine does not "
            "know: update its time zones (pip install -U tzdata)."
        ) from None


def _known(store: TableStore) -> dict[str, str]:
    content = store.get(MEMORY)
    known = {} if content is None else _parsed(content)
    if known is None:
        raise ValueError(
            f"{store.root}/{MEMORY} does not hold the settings that the tree was made with: restore it, or remove it and "
            "pull with these settings, which writes it again."
        )
    return known


def _parsed(content: bytes) -> dict[str, str] | None:
    try:
        known = json.loads(content)
    except (ValueError, RecursionError):
        return None
    is_whole = isinstance(known, dict) and known.keys() >= ALWAYS
    return known if is_whole and all(isinstance(value, str) for value in known.values()) else None


def _told(name: str, value: str, which: str) -> str:
    if name == KEY:
        return f"{which} {KEY}"
    return f"{name}={shown(value, MOST_SHOWN)}" if value else f"no {name}"


def _back(name: str, value: str) -> str:
    if name == KEY:
        return f"set the {KEY} of the tree"
    return f"set {name}={shown(value, MOST_SHOWN)}" if value else f"unset {name}"
