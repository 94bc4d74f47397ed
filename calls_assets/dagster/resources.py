"""Dagster's thin shells around the API and the table store: configuration in, plain objects out.

What only a run needs is imported when a run asks for it, so that the code location loads fast.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import dagster as dg
from pydantic import ConfigDict, Field, create_model

from calls_assets.api.document import LABEL_CALL_TYPES, MAX_LIMIT, Query
from calls_assets.api.privacy import KEEP, Privacy
from calls_assets.dagster.run_slots import alive
from calls_assets.settings import MOST_IN_FLIGHT

if TYPE_CHECKING:
    from calls_assets.api.client import Client
    from calls_assets.api.decode import Decoder
    from calls_assets.api.windows import Reading
    from calls_assets.pipeline.fetch import Account
    from calls_assets.tables.store import TableStore

FILTER = "Pull only the calls {}; give such a pull a CALLS_DATA_URL of its own. Default: all calls."


class CallsApi(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The account's `GET /calls/`: where it is, how to ask, and which calls to ask for."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(
        description="What stands before /calls/, such as https://account.example.com/api/v1. "
        "Required; set it as CALLS_API_URL."
    )
    token: str = Field(
        repr=False, description="Value of the Access-Token header; a secret. Required; set it as CALLS_API_TOKEN."
    )
    page_size: int = Field(
        MAX_LIMIT,
        description=f"Calls to ask for per page, 1 to {MAX_LIMIT}; the API may give fewer. Set it as CALLS_PAGE_SIZE. "
        f"Default: {MAX_LIMIT}.",
    )
    calls_per_window: int = Field(
        100_000,
        description="A range of days with more calls than this is pulled in smaller ranges, which bounds the memory of a "
        "run. Unit: calls. Set it as CALLS_PER_WINDOW. Default: 100000.",
    )
    timeout_s: float = Field(
        60.0, description="Longest silence of the API before a request counts as failed. Unit: seconds. Default: 60."
    )
    requests_per_second: float | None = Field(
        None,
        description="Upper bound of the pace of requests. Unit: requests per second. "
        "Set it as CALLS_REQUESTS_PER_SECOND. Default: none.",
    )
    concurrency: int = Field(
        4,
        description=f"Requests in flight at a time, 1 to {MOST_IN_FLIGHT}; more of them pay "
        "on a slow link, and cost memory. Set it as CALLS_CONCURRENCY. Default: 4.",
    )
    dates_zone: str | None = Field(
        None,
        description="IANA zone in which the account reads dateFrom and dateTo, where that is known: no margin for other "
        "zones is pulled then. Set it as CALLS_DATES_ZONE. Default: unknown.",
    )
    date_to_inclusive: bool = Field(
        False,
        description="Whether the account is known to give the day of dateTo too: no day more is asked for then. Set it as "
        "CALLS_DATE_TO_INCLUSIVE=1. Default: unknown.",
    )
    times_zone: str | None = Field(
        None,
        description="IANA zone of times that the account gives as text without an offset; where it is unknown, a call whose "
        "started_at is such a time is set aside in rejected_calls. Set it as CALLS_TIMES_ZONE. Default: unknown.",
    )
    read_twice: bool = Field(
        False,
        description="Whether a list of several pages counts as complete only where two readings in a row hold the same "
        "calls: for accounts where calls are deleted while others arrive. Doubles the requests. "
        "Set it as CALLS_READ_TWICE=1. Default: false.",
    )
    allow_http: bool = Field(
        False,
        description="Whether the token may go to another machine over plain http. Set it as CALLS_ALLOW_HTTP=1. "
        "Default: false.",
    )
    call_types: list[str] = Field(
        list(LABEL_CALL_TYPES),
        description="The call types to ask the API for by id. Set it as CALLS_CALL_TYPES, with commas between. Default: the "
        "eleven that a call's fields cannot tell.",
    )
    max_rejected_share: float = Field(
        0.1,
        description="A pull with a larger share of records that cannot be read fails, and replaces nothing. Unit: share from "
        "0 to 1. Set it as CALLS_MAX_REJECTED_SHARE. Default: 0.1.",
    )
    privacy: str = Field(
        KEEP,
        description="What lands of names, numbers, notes, tags and addresses of recordings: keep, pseudonymise (a keyed hash "
        "that still joins) or drop. Set it as CALLS_PRIVACY. Default: keep.",
    )
    privacy_key: str = Field(
        "",
        repr=False,
        description="Key of the pseudonyms, at least 16 characters without a pattern; a secret. Set it as CALLS_PRIVACY_KEY. "
        "Default: none.",
    )
    number_ids: list[int] = Field([], description=FILTER.format("over the centre's numbers with these ids (numberIds)"))
    ring_group_id: int | None = Field(None, description=FILTER.format("of one ring group (ringGroupId)"))
    ivr_id: int | None = Field(None, description=FILTER.format("of one IVR (ivrId)"))
    list_id: int | None = Field(None, description=FILTER.format("with contacts of one list (listId)"))
    agent_id: int | None = Field(None, description=FILTER.format("of one agent (agentId)"))
    disposition_ids: list[int] = Field([], description=FILTER.format("with these dispositions (dispositionIds)"))
    survey_ids: list[int] = Field([], description=FILTER.format("with these surveys (surveyIds)"))

    @classmethod
    def configured(cls, filters: Query, **values: Any) -> "CallsApi":
        """The resource with these values, and a query's filters, as the defaults of its fields.

        A run that sets one field thereby keeps the others: Dagster would go back to the defaults of the class.
        """
        values |= {name: getattr(filters, name) for name in ("ring_group_id", "ivr_id", "list_id", "agent_id")}
        values |= {name: list(getattr(filters, name)) for name in ("number_ids", "disposition_ids", "survey_ids")}
        fields: dict[str, Any] = {}
        for name, value in values.items():
            info = copy(cls.model_fields[name])
            info.default = value
            fields[name] = (info.annotation, info)
        model: Callable[[], CallsApi] = create_model(cls.__name__, __base__=cls, __doc__=cls.__doc__, **fields)
        return model()

    def client(self, log: logging.Logger) -> "Client":
        """A session with the API.

        Raises:
            ValueError: a field is not usable; the sentence names it, and never holds the token.
        """
        from calls_assets.api.client import Client

        if self.timeout_s <= 0:
            raise ValueError(f"timeout_s is a number of seconds above 0, but {self.timeout_s:g} was given.")
        if self.requests_per_second is not None and self.requests_per_second <= 0:
            raise ValueError(f"requests_per_second is above 0, but {self.requests_per_second:g} was given.")
        return Client(
            self.url,
            self.token,
            timeout_s=self.timeout_s,
            requests_per_second=self.requests_per_second,
            allow_http=self.allow_http,
            connections=self.concurrency,
            log=log,
        )

    def account(self, log: logging.Logger) -> "Account":
        """The account as these fields describe it.

        Raises:
            ValueError: a field is not usable; the sentence names it, and never holds a secret.
        """
        from calls_assets.pipeline.fetch import Account

        query, reading = self.query(), self.reading()
        return Account(
            client=self.client(log),
            decoder=self.decoder(),
            reading=reading,
            query=query,
            call_types=tuple(self.call_types),
            privacy=self.policy(),
            times_zone=self.times_zone,
            calls_per_window=self.calls_per_window,
            concurrency=self.concurrency,
            read_twice=self.read_twice,
            max_rejected_share=self.max_rejected_share,
        )

    def policy(self) -> Privacy:
        """What lands of what is personal.

        Raises:
            ValueError: the policy is unknown, or its key can be guessed; the sentence never holds the key.
        """
        return Privacy(self.privacy, self.privacy_key)

    def reading(self) -> "Reading":
        """What is known of how the account reads dates.

        Raises:
            ValueError: the zone is none.
        """
        from calls_assets.api.windows import Reading

        return Reading(_zone("dates_zone", self.dates_zone), self.date_to_inclusive)

    def decoder(self) -> "Decoder":
        """What reads the account's pages.

        Raises:
            ValueError: the zone of its times is none.
        """
        from calls_assets.api.decode import Decoder

        return Decoder(_zone("times_zone", self.times_zone))

    def query(self) -> Query:
        """The page size and the filters.

        Raises:
            ValueError: a field is not what the API document allows.
        """
        if not 1 <= self.concurrency <= MOST_IN_FLIGHT:
            raise ValueError(
                f"concurrency is a number of requests from 1 to {MOST_IN_FLIGHT}, but {self.concurrency} was given."
            )
        if self.calls_per_window < 1:
            raise ValueError(f"calls_per_window is a number of calls from 1, but {self.calls_per_window} was given.")
        for call_type in self.call_types:
            Query(call_type=call_type)
        return Query(
            limit=self.page_size,
            number_ids=tuple(self.number_ids),
            ring_group_id=self.ring_group_id,
            ivr_id=self.ivr_id,
            list_id=self.list_id,
            agent_id=self.agent_id,
            disposition_ids=tuple(self.disposition_ids),
            survey_ids=tuple(self.survey_ids),
        )


class Tables(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The Parquet tree."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(
        "data",
        description="Root of the Parquet tree: a folder, or a URL such as s3://bucket/prefix. Set it as CALLS_DATA_URL. "
        "Default: data.",
    )

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["Tables"]:
        """The resource of a run, and every step has it: the run shows that it lives for as long as it does."""
        if context.instance is None or context.run is None:
            yield self
        else:
            with alive(context.instance, context.run.run_id):
                yield self

    def store(self) -> "TableStore":
        """The store at the root.

        Raises:
            ValueError: the root's kind of storage is unknown, or the package for it is not installed.
        """
        from calls_assets.tables.store import TableStore

        return TableStore(self.url)


def _zone(name: str, key: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(key) if key else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name} is an IANA time zone such as America/New_York, but {key!r} was given.") from None
