"""Messages to a chat or a webhook: CALLS_ALERT_URL, what is made of a sentence for it, and the posting. Knows no Dagster."""

import logging
import os
import re
from typing import TYPE_CHECKING

from calls_assets.display import FULL_WIDTH, shown

if TYPE_CHECKING:
    import apprise

URL = "CALLS_ALERT_URL"

MOST_SAID = 600
"""Characters of a run's sentence."""

MARKUP = re.compile(
    r"[@<>&\[\]*`~|]"
    r"|(?<![^\W_])_+(?=[^\s_]).+?(?<=[^\s_])_+(?![^\W_])"  # words between underscores; those within a name are none
    r"|(?<!^http)(?<!^https):(?=//)"  # a sentence may begin with the API's own address
    r"|:(?=[a-z_][\w+-]*:)"  # a picture by its name
)
"""What calls people together, formats or links in one chat or another."""


class NotDelivered(RuntimeError):
    """A message could not be delivered."""


def check_address() -> None:
    """See that an address is one, where there is one; nothing is posted.

    Raises:
        NotDelivered: it is none, or the package that posts is missing.
    """
    if os.environ.get(URL):
        _service()


def plain_line(sentence: str) -> str:
    """A run's sentence, in which an API may have had its say, as a line that pings nobody, links nowhere and looks plain."""
    return MARKUP.sub(lambda found: found[0].translate(FULL_WIDTH), shown(sentence, MOST_SAID))


def post(title: str, lines: list[str]) -> None:
    """Post a message.

    Raises:
        NotDelivered: there is no address, it is none, or it took no message; never holds the address, which is a secret.
    """
    service = _service()
    import apprise

    if not service.notify(title=title, body="\n".join(lines), body_format=apprise.NotifyFormat.TEXT):
        raise NotDelivered(
            f"The address in {URL} took no message: check it and the network; the message is sent again."
        )


def _service() -> "apprise.Apprise":
    try:
        import apprise
    except ImportError:
        raise NotDelivered("Alerts need a package more: pip install 'calls_assets[alerts]'.") from None
    logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # it would log the address
    service = apprise.Apprise()
    if not service.add(os.environ.get(URL, "")):
        raise NotDelivered(f"{URL} is an Apprise address such as slack://... or jsons://host/path: set it to one.")
    if len(service) > 1:  # where one of several takes no message, the others would get it again and again
        raise NotDelivered(
            f"{URL} holds {len(service)} addresses: set it to one, such as that of a channel which all read."
        )
    if service[0].overflow_mode == apprise.OverflowMode.UPSTREAM:  # a chat that takes less would never take it
        service[0].overflow_mode = apprise.OverflowMode.SPLIT
    return service
