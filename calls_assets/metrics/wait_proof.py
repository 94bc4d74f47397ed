"""Proves how an account's waits are told, on as many of its calls as there are: one rule, for the doctor and for files."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa

from calls_assets.days import ANY_DAY
from calls_assets.display import NAMELESS, apart
from calls_assets.metrics.run import computing, sql
from calls_assets.tables.catalog import RAW_CALL_TYPES
from calls_assets.waits import METHODS, NONE, Thresholds

ALL = "(all)"


@dataclass(frozen=True)
class Fit:
    """How the waits of a method agree with the vendor's verdict on the answered inbound calls of a ring group.

    Attributes:
        method: One of `waits.METHODS`.
        member_id, member_name: The ring group; `(all)` for all of them.
        calls, calls_late: Its calls, and how many of them the vendor calls late.
        threshold_s, threshold_most_s: The thresholds in seconds that agree best; None where no one suits all ring groups.
        errors: The calls on the wrong side of the threshold.
        error_rate: Their share.
        verdict: 'proven', 'disproven' or 'too_few'.
        power_half_percent, power_one_percent: How probably so many calls prove a method that is wrong so often.
    """

    method: str
    member_id: str
    member_name: str | None
    calls: int
    calls_late: int
    threshold_s: int | None
    threshold_most_s: int | None
    errors: int
    error_rate: float
    verdict: str
    power_half_percent: float
    power_one_percent: float

    @property
    def thresholds(self) -> str:
        """The thresholds that agree best, in words."""
        if self.threshold_s is None:
            return "by ring group"
        if self.threshold_most_s in (None, self.threshold_s):
            return f"{self.threshold_s} s"
        return f"{self.threshold_s} to {self.threshold_most_s} s"


@dataclass(frozen=True)
class WaitProof:
    """The fits of every method and ring group that has calls."""

    fits: Sequence[Fit] = ()

    @property
    def method(self) -> str | None:
        """What CALLS_WAIT should be; None where the calls are too few to tell.

        Of two proven methods the duration less the talk, which also tells how long callers waited who hung up.
        """
        verdicts = [fit.verdict for fit in self.of_all]
        proven = [fit.method for fit in self.of_all if fit.verdict == "proven"]
        return proven[0] if proven else NONE if verdicts and set(verdicts) == {"disproven"} else None

    @property
    def is_settled(self) -> bool:
        """Whether more calls would not change the method: the preferred one is proven, or each is proven or disproven."""
        verdicts = [fit.verdict for fit in self.of_all]
        return bool(verdicts) and (verdicts[0] == "proven" or "too_few" not in verdicts)

    @property
    def of_all(self) -> list[Fit]:
        """The fit of each method to all calls, the preferred method first."""
        return sorted((fit for fit in self.fits if fit.member_id == ALL), key=lambda fit: METHODS.index(fit.method))

    @property
    def thresholds(self) -> Thresholds:
        """What CALLS_SLA_SECONDS should be, by the proven method: that of most calls, and the ring groups that differ."""
        groups = [fit for fit in self.fits if fit.method == self.method and fit.member_id != ALL]
        if not groups:
            return Thresholds()
        sound = [fit for fit in groups if fit.verdict != "disproven" and (fit.threshold_s or 0) >= 0] or groups
        usual = max(sound, key=lambda fit: (sum(one.calls for one in groups if _like(one, fit)), fit.calls))
        own = {
            int(fit.member_id): roundest(fit)
            for fit in groups
            if not _like(fit, usual) and fit.verdict == "proven" and fit.member_id != "(none)"
        }
        return Thresholds(roundest(usual), own)

    @property
    def variables(self) -> dict[str, str]:
        """The settings that are proven; without a method no threshold counts."""
        return {} if self.method is None else {"CALLS_WAIT": self.method, "CALLS_SLA_SECONDS": str(self.thresholds)}

    def describe(self) -> Iterator[str]:
        """The proof in sentences, with its power."""
        if not self.of_all:
            yield "No answered inbound call has both a wait and is_answered_within_sla, so no method can be proven."
            return
        yield from map(_sentence, self.of_all)
        most = max(self.of_all, key=lambda fit: fit.calls)
        yield (
            f"{most.calls:,} calls prove a method that is wrong about 0.5 % of the verdicts with probability "
            f"{most.power_half_percent:.2f}, about 1 % with {most.power_one_percent:.2f}, and hardly ever one that is wrong "
            "about 2 % or more."
        )
        if doubted := [fit for fit in self.fits if self._is_doubted(fit)]:
            names = ", ".join(apart([fit.member_name for fit in doubted], [fit.member_id for fit in doubted], NAMELESS))
            yield f"Not in {names}: {'their' if len(doubted) > 1 else 'its'} verdicts follow no threshold of the wait."

    def _is_doubted(self, fit: Fit) -> bool:
        return fit.method == self.method and fit.member_id != ALL and fit.verdict == "disproven"


def prove(connection: duckdb.DuckDBPyConnection, schema: str = "main") -> WaitProof:
    """The proof on all calls of a schema of a connection, as one long day, whatever thresholds are set.

    Args:
        connection: It has the macros, and `calls` in the schema, all under one `local_date`.
        schema: The schema.
    """
    connection.execute("CREATE OR REPLACE SCHEMA proof")
    unset = connection.table(f"{schema}.calls").project("* REPLACE (NULL::BIGINT AS sla_threshold_s)")
    connection.execute(f"CREATE VIEW proof.calls AS {unset.sql_query()}")
    path, catalog = connection.sql("SELECT current_setting('search_path'), current_database()").fetchall()[0]
    connection.execute(f"SET search_path = '{catalog}.proof,{path}'")
    connection.execute(f"CREATE VIEW proof.wait_fits AS {sql('wait_fits')}")
    rows = connection.execute(sql("wait_proof")).fetchall()
    connection.execute(f"SET search_path = '{path}'")
    return WaitProof([Fit(*row) for row in rows])


def prove_on_records(raw_calls: pa.Table) -> WaitProof:
    """The proof on calls as the API gives them; `raw_calls` has the columns of that table without `local_date`."""
    days = pa.repeat(pa.scalar(ANY_DAY, pa.date32()), raw_calls.num_rows)
    inputs = {"raw_calls": raw_calls.append_column("local_date", days), "raw_call_types": RAW_CALL_TYPES.empty()}
    query = sql("calls")
    with computing(inputs, query, [ANY_DAY], ZoneInfo("UTC")) as connection:
        connection.execute(f"CREATE VIEW calls AS {query}")
        return prove(connection)


def roundest(fit: Fit) -> int:
    """The threshold a vendor would have set, of those that agree equally well: a multiple of ten, or five, or the least."""
    least = max(fit.threshold_s or 0, 0)
    most = fit.threshold_most_s or least
    return next((up for step in (10, 5) if (up := -(-least // step) * step) <= most), least)


def _like(fit: Fit, other: Fit) -> bool:
    return (fit.threshold_s, fit.threshold_most_s) == (other.threshold_s, other.threshold_most_s)


def _sentence(fit: Fit) -> str:
    outcome = {
        "proven": "is proven",
        "disproven": "is not the wait that the vendor judges",
        "too_few": "is not decided yet, which takes more calls, both in time and late",
    }[fit.verdict]
    at = f"at {fit.thresholds}" if fit.threshold_s is not None else "with each ring group at its own threshold"
    return (
        f"{fit.method} {outcome}: {at} it differs from the vendor's verdict on {fit.errors:,} "
        f"({fit.error_rate:.1%}) of {fit.calls:,} answered calls, {fit.calls_late:,} of them late."
    )
