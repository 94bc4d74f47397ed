"""Which names of undocumented fields may be shown: those made of the words of the trade.

A name comes from the account like any value, and some accounts use people, numbers or tokens as names (`{"john_smith": 2}`).
Only its words distinguish `john_smith` from `queue_time`. A name with an unknown word is only found in `raw_calls.extra`.
"""

import re
from functools import lru_cache

from calls_assets.api.document import CALL, Field

ODD_NAME = "(odd name)"  # stands in for a name that is not shown
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,49}")
PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
MOST_DIGITS = 2

# The words that phone systems name fields with, without those that are people's names.
_WORDS = """
abandon abandoned abandonment account acd active after agent allowed amount ani answer answering api app at attempt
attribute attributes audio available average avg before begin billed billing bot branch bridge busy button by cached call
callback called callee caller calling cancel canceled cancelled carrier case category cause center centre channel chat
choice city cli client close closed code comment company compliance conference connect connected connection consent cost
count country created crm csat currency current custom customer data date day default deleted department destination detail
device dial dialed dialer did digit direction disconnect disconnected disposition dnis dtmf duration dynamic email empty end
ended ending enqueue entry error estimated event expected extension extra failed field file final finished first flag flow
follow form from group handle handled handling hangup has held hold host hour id in inbound index info input internal ip is
iso item key keypress label language last latency leg length level line link list local locale location long longest lost
machine mail manager menu message meta metadata method metric minute missed mobile mode model monitor mood ms name national
network new next node not note number of off offered office on open option order org organisation organization origin
original other out outbound outcome overflow owner parent park parked participant party path percent percentage phone pickup
platform pool position post power prefix press previous price priority processed product program project prompt properties
property provider quality question queue queued rank rate rating reached reason received record recorded recording
recordings ref reference region rejected remote reply request requested resolved response result retry ring ringing role
route routed routing rule s sales satisfaction schedule scheduled score script second seconds segment seller sentiment
sequence server service session shift short silence sip site size skill sla slot sms source speed sponsor stage start
started starting state status step store strategy street sub subject success summary supervisor surprise survey system tag
talk talking target team template tenant text ticket time timeout timer timestamp timezone title to topic total traffic
transcript transcription transfer transferred trunk try type tz uid unit unknown until updated uri url user utc uuid value
vendor version via vip virtual voice voicemail volume wait waited waiting was week whisper widget wrap wrapup year zip zone
"""


@lru_cache(maxsize=4096)
def shown_name(name: str) -> str:
    """The name of an undocumented field; `ODD_NAME` where it may be something else."""
    parts = PART.findall(name) if NAME.fullmatch(name) else []
    letters = [part.lower() for part in parts if not part.isdigit()]
    digits = sum(len(part) for part in parts if part.isdigit())
    is_name = bool(letters) and digits <= MOST_DIGITS and all(map(_is_known, letters))
    return name if is_name else ODD_NAME


def _is_known(word: str) -> bool:
    return not {word, word.removesuffix("s"), word.removesuffix("es")}.isdisjoint(_known())


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    """The words of the trade, and those of documented names."""
    return frozenset(_WORDS.split()).union(part.lower() for name in _names(CALL) for part in PART.findall(name))


def _names(fields: tuple[Field, ...]) -> list[str]:
    return [name for field in fields for name in (field.name, *_names(field.parts))]
