"""What can go wrong with the API, by what a person can do about it. Each message is one sentence."""


class ApiError(Exception):
    """The API did not give what was asked for; `status` is that of its answer, None where there was none."""

    def __init__(self, sentence: str, status: int | None = None) -> None:
        super().__init__(sentence)
        self.status = status


class TokenRefused(ApiError):
    """The API refused the token (401, or 403 for the list without dates too): a new one is needed."""


class RequestRefused(ApiError):
    """The API refused this very request (400, 402, 403, 404, 405, 422, 501): asking again changes nothing."""


class DatesRefused(RequestRefused):
    """The API refused these dates (403, 410) but answers without them: it may keep calls for a limited time only."""


class NotServed(ApiError):
    """The address does not serve the API: a redirect, a certificate that cannot be trusted, a web page, any other 4xx."""


class Unavailable(ApiError):
    """The API kept failing in ways that may be temporary: trying again later may help."""


class Incomplete(ApiError):
    """The calls that came are not proven to be the whole list."""


class NotAPage(ValueError):
    """A body that is not the documented JSON; the next one may be."""


class TooMuch(NotAPage):
    """A body that is larger than one answer may be; asking again changes nothing."""
