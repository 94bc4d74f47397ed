"""Dagster's resources for the API and the table store: configuration in, plain objects out.

What only a run needs is imported when a run uses it, so that the code location loads fast.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import copy
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import dagster as dg
from pydantic import ConfigDict, Field, create_model

from calls_assets.api.document import Query
from calls_assets.api.privacy import Privacy
from calls_assets.dagster.run_slots import lock_run
from calls_assets.settings import FIELDS, MOST_IN_FLIGHT, VARIABLES, Settings, Variable, read_zone

if TYPE_CHECKING:
    from calls_assets.api.client import Client
    from calls_assets.api.decode import Decoder
    from calls_assets.api.windows import Reading
    from calls_assets.pipeline.fetch import Account
    from calls_assets.tables.store import TableStore

FILTERS = ("number_ids", "ring_group_id", "ivr_id", "list_id", "agent_id", "disposition_ids", "survey_ids")
"""The fields of `Query` that select calls."""

FILTER = "Pull only the calls {}; give such a pull a CALLS_DATA_URL of its own. Default: all calls."


def _described(variable: Variable) -> str:
    return f"{variable.description} Set it as {variable.name}{f', {variable.spelt}' if variable.spelt else ''}."


def _setting(name: str) -> Any:
    """The field of a resource for a setting, with its default and description."""
    default, described = _plain(getattr(Settings, name)), _described(FIELDS[name])
    return Field(default, description=described if FIELDS[name].unset else f"{described} Default: {default}.")


def _plain(value: Any) -> Any:
    """A setting's value as Dagster's configuration expects it."""
    return value.key if isinstance(value, ZoneInfo) else list(value) if isinstance(value, tuple) else value


class CallsApi(dg.ConfigurableResource):  # type: ignore[type-arg]  # a run gets the resource itself
    """The account's `GET /calls/`: its address, how to send requests, and which calls to request."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(description=_described(VARIABLES["CALLS_API_URL"]))
    token: str = Field(repr=False, description=_described(VARIABLES["CALLS_API_TOKEN"]))
    page_size: int = _setting("page_size")
    calls_per_window: int = _setting("calls_per_window")
    timeout_s: float = Field(
        60.0, description="Longest silence of the API before a request counts as failed. Unit: seconds. Default: 60."
    )
    requests_per_second: float | None = _setting("requests_per_second")
    concurrency: int = _setting("concurrency")
    dates_zone: str | None = _setting("dates_zone")
    date_to_inclusive: bool = _setting("date_to_inclusive")
    times_zone: str | None = _setting("times_zone")
    read_twice: bool = _setting("read_twice")
    allow_http: bool = _setting("allow_http")
    call_types: list[str] = _setting("call_types")
    max_rejected_share: float = _setting("max_rejected_share")
    privacy: str = _setting("privacy")
    privacy_key: str = Field("", repr=False, description=_described(VARIABLES["CALLS_PRIVACY_KEY"]))
    number_ids: list[int] = Field([], description=FILTER.format("over the centre's numbers with these ids (numberIds)"))
    ring_group_id: int | None = Field(None, description=FILTER.format("of one ring group (ringGroupId)"))
    ivr_id: int | None = Field(None, description=FILTER.format("of one IVR (ivrId)"))
    list_id: int | None = Field(None, description=FILTER.format("with contacts of one list (listId)"))
    agent_id: int | None = Field(None, description=FILTER.format("of one agent (agentId)"))
    disposition_ids: list[int] = Field([], description=FILTER.format("with these dispositions (dispositionIds)"))
    survey_ids: list[int] = Field([], description=FILTER.format("with these surveys (surveyIds)"))

    @classmethod
    def configured(cls, settings: Settings, **values: Any) -> "CallsApi":
        """The resource with the settings, and these values, as the defaults of its fields.

        A run that sets one field then keeps the others: otherwise Dagster would use the defaults of the class.
        """
        values |= {name: _plain(getattr(settings, name)) for name in FIELDS if name in cls.model_fields}
        values |= {name: _plain(getattr(settings.filters, name)) for name in FILTERS}
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
        """What lands of personal data.

        Raises:
            ValueError: the policy is unknown, or its key can be guessed; the sentence never holds the key.
        """
        return Privacy(self.privacy, self.privacy_key)

    def reading(self) -> "Reading":
        """What is known of how the account reads dates.

        Raises:
            ValueError: the zone is unknown.
        """
        from calls_assets.api.windows import Reading

        return Reading(_zone("dates_zone", self.dates_zone), self.date_to_inclusive)

    def decoder(self) -> "Decoder":
        """What reads the account's pages.

        Raises:
            ValueError: the zone of its times is unknown.
        """
        from calls_assets.api.decode import Decoder

        return Decoder(_zone("times_zone", self.times_zone))

    def query(self) -> Query:
        """The page size and the filters.

        Raises:
            ValueError: a field has a value that the API document does not allow.
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


class Tables(dg.ConfigurableResource):  # type: ignore[type-arg]  # a run gets the resource itself
    """The Parquet tree."""

    model_config = ConfigDict(extra="forbid")

    url: str = _setting("data_url")

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["Tables"]:
        """The resource of a run. Every step has it, so that the run is locked while it lasts."""
        if context.instance is None or context.run is None:
            yield self
        else:
            with lock_run(context.instance, context.run.run_id):
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
        return read_zone(key) if key else None
    except ValueError as error:
        raise ValueError(f"{name} is {error}, but {key!r} was given.") from None
