"""Messages to a chat or a webhook: CALLS_ALERT_URL, plain text for it, and posting. Does not import Dagster."""

import logging
import os
import re
from typing import TYPE_CHECKING

from calls_assets.display import FULL_WIDTH, shown

if TYPE_CHECKING:
    import apprise

URL = "CALLS_ALERT_URL"

MOST_SAID = 600
"""The most characters of a run's sentence."""

MARKUP = re.compile(
    r"[@<>&\[\]*`~|]"
    r"|(?<![^\W_])_+(?=[^\s_]).+?(?<=[^\s_])_+(?![^\W_])"  # words between underscores, but not those within a name
    r"|(?<!^http)(?<!^https):(?=//)"  # a sentence may begin with the API's own address
    r"|:(?=[a-z_][\w+-]*:)"  # an emoji by its name
)
"""What mentions people, formats or links in one chat or another."""


class NotDelivered(RuntimeError):
    """A message could not be delivered."""


def check_address() -> None:
    """Check that CALLS_ALERT_URL, if set, is a valid address; nothing is posted.

    Raises:
        NotDelivered: it is not valid, or the package that posts is missing.
    """
    if os.environ.get(URL):
        _service()


def plain_line(sentence: str) -> str:
    """A run's sentence, which may quote the API, as a plain line without mentions, links or formatting."""
    return MARKUP.sub(lambda found: found[0].translate(FULL_WIDTH), shown(sentence, MOST_SAID))


def post(title: str, lines: list[str]) -> None:
    """Post a message.

    Raises:
        NotDelivered: there is no valid address, or it did not accept the message; never holds the address, a secret.
    """
    service = _service()
    import apprise

    if not service.notify(title=title, body="\n".join(lines), body_format=apprise.NotifyFormat.TEXT):
        raise NotDelivered(
            f"The address in {URL} did not accept the message: check it and the network; it will be sent again."
        )


def _service() -> "apprise.Apprise":
    try:
        import apprise
    except ImportError:
        raise NotDelivered("Alerts need another package: pip install 'calls_assets[alerts]'.") from None
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # it would log the address
    service = apprise.Apprise()
    if not service.add(os.environ.get(URL, "")):
        raise NotDelivered(f"{URL} is an Apprise address such as slack://... or jsons://host/path: set it to one.")
    if len(service) > 1:  # where one of several fails, the others would get the message again and again
        raise NotDelivered(f"{URL} holds {len(service)} addresses: set it to one, such as that of a shared channel.")
    if service[0].overflow_mode == apprise.OverflowMode.UPSTREAM:  # a chat with a lower limit would never accept it
        service[0].overflow_mode = apprise.OverflowMode.SPLIT
    return service
