"""Writes the tables of docs/reliability.md and docs/security.md from what the tests did: `make reliability`.

    python calls_assets_tests/reliability.py JUNIT_XML DOCS

Each test of a night compares what it finds byte for byte with what must be there. Where a test fails, nothing is written.
"""

import sys
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

RIGHT, SENTENCE = "the right data", "a sentence, nothing lost"

NIGHTS = {
    "an answer that fails and can pass: 408, 429, 5xx, reset, cut, short, empty, HTML, bad gzip, silence, dripping": (
        RIGHT,
        (
            "test_what_can_pass_is",
            "test_a_wait_that_the_server",
            "test_every_table_outlives",
            "test_a_connection_that_is_cut",
        ),
    ),
    "the same, and it never passes": (
        SENTENCE,
        ("test_what_never_passes", "test_too_long_a_wait", "test_a_host_that_nobody", "test_a_body_without_end"),
    ),
    "a refusal, a redirect or a certificate that nobody vouches for": (
        SENTENCE,
        (
            "test_a_refusal_in",
            "test_an_address_that_is_gone",
            "test_a_refused_token_in",
            "test_a_redirect",
            "test_a_certificate",
        ),
    ),
    "a list that moves, overlaps or gives fewer rows, and settles": (
        RIGHT,
        ("test_calls_that_come", "test_calls_that_go", "test_a_list_that_settles"),
    ),
    "an answer that fails or a list that settles, with eight requests in flight": (RIGHT, ("test_with_several_pages",)),
    "a list that never adds up, or cannot be read whole": (
        SENTENCE,
        ("test_a_list_that_never_adds_up", "test_what_cannot_be_proven_whole", "test_a_list_of_other_dates"),
    ),
    "a total that is wrong, pages that are refused, empty lists in other ways, calls that come twice": (
        RIGHT,
        (
            "test_figures_do_not_change_with_what",
            "test_a_total_that_is_too_low",
            "test_a_list_that_cannot_be_read_is_had",
            "test_a_page_that_is_refused_once",
            "test_an_account_that_ignores_dates",
        ),
    ),
    "records in another dialect": (RIGHT, ("test_figures_do_not_change_with_the", "test_days_of_a_real_centre")),
    "a call type that is refused or ignored": (
        RIGHT,
        ("test_a_call_type_that", "test_a_server_that_ignores_call_types"),
    ),
    "429 without a word on how long to wait": (RIGHT, ("test_a_pace_without",)),
    "a token revoked, or maintenance, in the middle of a pull": (SENTENCE, ("test_what_was_there_stays",)),
    "a bad record: kept, kept with null for what is impossible, or set aside with its reason": (
        RIGHT,
        (
            "test_what_cannot_be_read",
            "test_what_is_no_record",
            "test_what_can_be_read",
            "test_what_the_document_does_not",
            "test_records_that_attack",
        ),
    ),
    "a run stopped (SIGKILL, SIGTERM, SIGINT) at a random moment, and its rerun": (
        RIGHT,
        ("test_a_run_stopped_at_any",),
    ),
    "a write killed before each of its lines": (RIGHT, ("test_a_write_killed_before",)),
    "a run terminated, or begun after a killed one": (RIGHT, ("test_a_terminated_run", "test_a_run_after_a_killed")),
    "a full disk, a locked folder, a broken object store, an API that fails on one day": (
        SENTENCE,
        ("test_a_disk_that", "test_a_folder_that_may", "test_an_object_store_that", "test_an_api_that_fails"),
    ),
    "runs or writers at the same time": (
        RIGHT,
        ("test_two_runs_over", "test_ten_", "test_writers_of_the_same", "test_two_runs_in_one_instance"),
    ),
}
"""What was tried -> how it ended, and the beginnings of the names of the tests that tried it."""

WHOLE, REFUSED, TEXT = "whole files, and the next run goes through", "a refusal", "text, and nothing else"
NAMED = "a sentence that names the file and what to do; a pull mends the day"
UNTOLD, BOUNDED = "nothing of it told", "a sentence, in bounded time and memory"

ATTACKS = {
    "hostile texts as names: on the page and its charts, in the UI, in chats, in the terminal, in the notebook": (
        TEXT,
        (
            "test_the_page_shows_each",
            "test_names_are_text",
            "test_the_ui_is_told",
            "test_a_name_is_text",
            "test_what_a_run_says",
            "test_whatever_a_run_says",
            "test_the_terminal_is_sent",
            "test_no_cell_and_no_name",
            "test_an_error_that_tells",
            "test_the_notebook_draws",
            "test_a_word_is_shown",
            "test_whatever_the_word",
            "test_every_character",
        ),
    ),
    "texts that a spreadsheet would run": (TEXT, ("test_a_text_that_a_spreadsheet",)),
    "a day's file that is cut, empty, noise, of another table, type or day, a folder, a link, a pipe, a device": (
        NAMED,
        (
            "test_a_broken_file_is_named",
            "test_a_file_that_is_broken",
            "test_an_object_store_tells",
            "test_a_pull_mends",
            "test_a_run_that_needs_a_broken",
            "test_a_footer_that",
        ),
    ),
    "a broken day beside others": ("runs and queries that do not need it go on", ("test_a_broken_day_",)),
    "a root with signs of patterns, or one that keeps nothing": (
        "that folder and no other, or a refusal",
        ("test_signs_of_patterns", "test_a_root_that_is_no_place", "test_a_tree_is_read"),
    ),
    "a Dagster home that is broken, full, or open to others": (
        "a sentence that names the file; for its owner alone",
        (
            "test_a_database_that",
            "test_settings_that_dagster",
            "test_what_breaks_while",
            "test_a_disk_that_takes_no_more",
            "test_a_home_",
        ),
    ),
    "people where a privacy policy covers them, and in all that Dagster is told": (
        UNTOLD,
        (
            "test_dagster_is_told_nothing",
            "test_no_file_holds",
            "test_hostile_records_land",
            "test_nothing_personal",
            "test_a_name_of_a_field_tells",
            "test_a_rejected_record_keeps_only",
        ),
    ),
    "keys of pseudonyms that can be guessed": (REFUSED, ("test_a_policy_that_cannot",)),
    "a token that a server repeats: in names, values, headers, redirects, errors, however it is spelt": (
        UNTOLD,
        (
            "test_the_token_is_",
            "test_nothing_that_is_said",
            "test_where_a_redirect_leads",
            "test_no_cut_leaves",
            "test_no_error_tells",
        ),
    ),
    "queries that go beyond the tables": (REFUSED, ("test_a_query_reaches", "test_a_query_that_goes_beyond")),
    "answers that break HTTP, drip, or unpack without end": (
        BOUNDED,
        (
            "test_an_answer_that_breaks",
            "test_a_server_that_is_never",
            "test_what_is_packed",
            "test_headers_of_megabytes",
        ),
    ),
    "records of any depth, width and number": (
        "the others of the day land",
        ("test_records_that_attack", "test_no_record_however", "test_any_depth", "test_a_record_of_too_many"),
    ),
    "a run stopped (SIGKILL, SIGTERM, SIGINT) at a random moment": (WHOLE, ("test_a_run_stopped_at_any",)),
    "a command stopped while it loads, waits, or cannot hear signals": (
        "a sentence, and the status of the signal",
        (
            "test_what_is_under_way",
            "test_an_interruption",
            "test_what_hears_of_no_signal",
            "test_a_real_command_is_stopped",
        ),
    ),
    "ten runs at once, and ten first commands in a new home": (WHOLE, ("test_ten_",)),
    "power lost between a write and its name": (WHOLE, ("test_a_power_cut", "test_a_file_system_that")),
    "malformed, oversized and endless queries of the sandbox, and 200 at a time": (
        REFUSED,
        (
            "test_a_malformed_query",
            "test_a_range_of_years",
            "test_an_unfit_request",
            "test_half_requests",
            "test_two_hundred_clients",
        ),
    ),
    "another host or another page that asks the sandbox or the UI": (
        REFUSED,
        ("test_it_is_reached_by", "test_a_host_that_is_another", "test_what_is_refused"),
    ),
}
"""What was tried -> what it ended in, and the beginnings of the names of the tests that tried it."""

Rows = Mapping[str, tuple[str, tuple[str, ...]]]

BEGIN, END = "<!-- made by make reliability -->", "<!-- end -->"


def counted(junit: str, rows: Rows) -> dict[str, int]:
    """How often each row was tried, for a JUnit report.

    Raises:
        ValueError: a test failed, or a row names one that is not there.
    """
    times = dict.fromkeys(rows, 0)
    missing = {name for _, names in rows.values() for name in names}
    for case in ElementTree.fromstring(junit).iter("testcase"):
        if {part.tag for part in case} & {"failure", "error", "skipped"}:
            raise ValueError(f"{case.get('name')} did not pass: a night lost data, or could not be told.")
        missing = {name for name in missing if not str(case.get("name")).startswith(name)}
        for row, (_, names) in rows.items():
            if str(case.get("name")).startswith(names):
                given = [part.get("value") for part in case.iter("property") if part.get("name") == "times"]
                times[row] += int(given[0] or 0) if given else 1
    if missing:
        raise ValueError(f"No test has a name that begins with {', '.join(sorted(missing))}.")
    return times


def nights(junit: str) -> str:
    """The table of docs/reliability.md."""
    times = counted(junit, NIGHTS)
    rows = [f"| {night} | {times[night]} | {ended} | 0 |" for night, (ended, _) in NIGHTS.items()]
    total = f"| all | {sum(times.values())} | | **0** |"
    return "\n".join(["| what was done | times | ended in | calls lost |", "| --- | --: | --- | --: |", *rows, total])


def attacks(junit: str) -> str:
    """The table of docs/security.md."""
    times = counted(junit, ATTACKS)
    rows = [f"| {attack} | {times[attack]} | {ended} |" for attack, (ended, _) in ATTACKS.items()]
    return "\n".join(["| what was tried | times | ended in |", "| --- | --: | --- |", *rows])


def replaced(page: str, table: str) -> str:
    """A page with the table in the place of the one before."""
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n\n{table}\n\n{END}{rest.split(END)[1]}"


def main(junit: str, docs: str) -> None:
    """Replace the tables of the pages."""
    report = Path(junit).read_text(encoding="utf-8")
    made = {Path(docs, "reliability.md"): nights(report), Path(docs, "security.md"): attacks(report)}
    for page, table in made.items():
        page.write_text(replaced(page.read_text(encoding="utf-8"), table), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
