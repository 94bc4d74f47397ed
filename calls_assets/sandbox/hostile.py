"""Words that somebody may have given to an agent, a ring group or a tag, and that must do no harm where they are shown.

Each is stored as it came, except for lone surrogates, and shown as one line that does nothing.
"""

_CONTROL = (*range(0x20), *range(0x7F, 0xA0))

# fmt: off
HOSTILE_WORDS = (
    *(f"control {number:02x} {chr(number)} here" for number in _CONTROL),
    *(f"noncharacter {sign} here" for sign in "\ufffe\uffff\U0001fffe\U0010ffff"),
    *(f"half a pair {sign} here" for sign in ("\ud800", "\udbff", "\udc00", "\udfff")),
    *(f"line {sign} end" for sign in "\n\r\x85\u2028\u2029"),
    # names that JavaScript's objects have
    "constructor", "prototype", "__proto__", "toString", "valueOf", "hasOwnProperty", "then", "undefined", "NaN",
    "null",
    # nothing legible
    "", " ", "\u200b", "\u3164", "\u00ad\ufeff", "\u0301",
    "x" * 65_536,
    "\u6f22" * 5_000,
    "o" + "\u0301" * 5_000 + "k",
    "\ufdfd" * 99,
    # HTML
    "<b>bold</b>", "<img src=x onerror=alert(1)>", "<script>alert(1)</script>", "<svg onload=alert(1)>",
    "&lt;b&gt;&#60;",
    "</style><script>alert(1)</script>", "</script><script>alert(1)</script>", "</title></text></svg>", "]]>", "<!--",
    "-->",
    # templates and quotes
    "{{ 7 * 7 }}", "{% raw %}", "${7*7}", "%s %(x)s {0}", '"', "'", "`", "\\", "a' + alert(1) + '", "');alert(1)//",
    # addresses
    "javascript:alert(1)", "data:text/html,<script>alert(1)</script>", "http://198.51.100.7/", "www.example.com",
    # Markdown
    "[link](http://198.51.100.7/)", "![picture](http://198.51.100.7/p.png)", "<http://198.51.100.7/>", "# head",
    "- item",
    "*bold*", "__bold__", "~~struck~~", "||spoiler||", "| a | b |", "a\n\n# head\n", "```\ncode", "> said",
    "$\\frac{1}{0}$", "$\\bad$",
    # mentions in chats
    "<!channel>", "<!here|x>", "@here", "@everyone", "@channel", "<@U123>", "<@&123>", "<#C123>", "<at>all</at>",
    "@all",
    "<http://198.51.100.7/|your bank>", "[your bank](<http://198.51.100.7/>)", ":rotating_light:", "anna@example.com",
    # terminals
    "\x1b[31mred\x1b[0m", "\x1b[2J\x1b[H", "\x1b]8;;http://198.51.100.7/\x07bank\x1b]8;;\x07", "\x9b2J",
    "back\b\b\bspace",
    # rich's markup
    "[red]red[/red]", "[/]", "[link=http://198.51.100.7/]bank[/link]", "[bold", "[/b] Ann | [red]", ":smile:",
    # writing direction and what has no width
    "\u202egnp.exe", "\u2066\u2067turned", "\u200f\u200eturned", "An\u200bna", "Anna", "An\u2060na",
    "\U000e0041\U000e0042",
    # spreadsheets, paths and SQL
    "=1+1", "+1", "-1", "@SUM(A1)", "../../etc/passwd", "CON", "'; DROP TABLE calls; --", "%00", "%2e%2e%2f",
    "(none)", "(all)",
    # ordinary names
    "\u0645\u062d\u0645\u062f", "\u5c71\u7530\u3000\u592a\u90ce", "\u0e2a\u0e21\u0e0a\u0e32\u0e22",
    "Zo\u00eb \U0001f642",
)
# fmt: on
"""Words of every kind, with some ordinary names among them."""

_STEP = 10_007
"""So that consecutive numbers have words of different kinds."""


def word(number: int) -> str:
    """The hostile word for a number; as many consecutive numbers as there are words cover them all."""
    return HOSTILE_WORDS[number * _STEP % len(HOSTILE_WORDS)]
