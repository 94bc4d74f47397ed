"""What can go wrong between us and the API, by what a person can do about it. Each message is one sentence."""


class ApiError(Exception):
    """The API did not give what was asked for."""


class TokenRefused(ApiError):
    """The API refused the token (401, 403): another one is needed."""


class RequestRefused(ApiError):
    """The API refused the parameters of a request (400, 422): asking again changes nothing."""


class NotServed(ApiError):
    """The address does not serve the API: a redirect, a certificate that cannot be trusted, any other 4xx."""


class Unavailable(ApiError):
    """The API kept failing in ways that can pass: asking again later may help."""


class Incomplete(ApiError):
    """The calls that came do not add up to the total that the API gave."""


class NotAPage(ValueError):
    """A body that is not the documented JSON; it may be whole the next time."""
