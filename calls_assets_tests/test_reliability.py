"""The tables of docs/reliability.md and docs/security.md are made of what ran, or not at all."""

import pytest

from calls_assets_tests import reliability
from calls_assets_tests.reliability import ATTACKS, BEGIN, END, NIGHTS


def junit(*more):
    cases = [
        f'<testcase name="{name}_x[1]"/>' for rows in (NIGHTS, ATTACKS) for _, names in rows.values() for name in names
    ]
    return f"<testsuites><testsuite>{''.join((*dict.fromkeys(cases), *more))}</testsuite></testsuites>"


TIMES = '<properties><property name="times" value="20"/></properties>'
STOPPED = f'<testcase name="test_a_run_stopped_at_any">{TIMES}</testcase>'


def test_every_night_counts_its_tests_and_what_they_say_of_themselves():
    made = reliability.nights(junit(STOPPED, '<testcase name="test_of_something_else"/>'))
    assert "at a random moment, and its rerun | 21 | the right data | 0 |" in made
    counts = [int(line.split("|")[2]) for line in made.splitlines()[2:-1]]
    assert len(counts) == len(NIGHTS)
    assert made.endswith(f"| all | {sum(counts)} | | **0** |")


def test_every_attack_counts_its_tests_and_what_they_say_of_themselves():
    made = reliability.attacks(junit(STOPPED, STOPPED)).splitlines()
    assert len(made) == 2 + len(ATTACKS)
    assert made[:2] == ["| what was tried | times | ended in |", "| --- | --: | --- |"]
    stopped = "a run stopped (SIGKILL, SIGTERM, SIGINT) at a random moment"
    assert f"| {stopped} | 41 | whole files, and the next run goes through |" in made


@pytest.mark.parametrize("made", [reliability.nights, reliability.attacks])
@pytest.mark.parametrize("how", ["failure", "error", "skipped"])
def test_what_did_not_pass_makes_no_table(made, how):
    with pytest.raises(ValueError, match="test_a_list did not pass"):
        made(junit(f'<testcase name="test_a_list"><{how}/></testcase>'))


@pytest.mark.parametrize(
    ("made", "name"), [(reliability.nights, "test_ten_"), (reliability.attacks, "test_half_requests")]
)
def test_a_test_that_has_another_name_now_makes_no_table(made, name):
    with pytest.raises(ValueError, match=f"No test has a name that begins with {name}"):
        made(junit().replace(f'"{name}', '"other'))


def test_both_pages_get_their_tables_and_keep_the_rest(tmp_path):
    pages = [tmp_path / "reliability.md", tmp_path / "security.md"]
    for page in pages:
        page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    (tmp_path / "junit.xml").write_text(junit())
    reliability.main(str(tmp_path / "junit.xml"), str(tmp_path))
    for page, made in zip(pages, (reliability.nights, reliability.attacks), strict=True):
        assert page.read_text() == f"before\n{BEGIN}\n\n{made(junit())}\n\n{END}\nafter\n"


def test_a_failed_test_leaves_both_pages_as_they_were(tmp_path):
    pages = [tmp_path / "reliability.md", tmp_path / "security.md"]
    for page in pages:
        page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    (tmp_path / "junit.xml").write_text(junit('<testcase name="test_x"><failure/></testcase>'))
    with pytest.raises(ValueError, match="test_x did not pass"):
        reliability.main(str(tmp_path / "junit.xml"), str(tmp_path))
    assert {page.read_text() for page in pages} == {f"before\n{BEGIN}\nold\n{END}\nafter\n"}
