"""What a plan finds out before anything is sent, with the real command: audiences, overlaps, the month's quotas."""

from dataclasses import replace
from pathlib import Path

from msgflash_apply.sandbox.seed import contact_id
from msgflash_apply.sandbox.server import Options, Sandbox
from tests.support.command import Repo, a_repo, creates_seen, in_days


def test_audience_counts_the_people_of_tags(repo: Repo) -> None:
    """The contacts of tags are counted, unless `--audience never` says otherwise; offline they cannot be."""
    repo.campaign("sale", recipients={"type": "tags", "value": ["vip"]})
    counted, uncounted = repo.run("plan"), repo.run("plan", "--audience", "never")

    assert 'tagged "vip": 40 contacts' in counted.out
    assert "\n40 people get 40 messages in 1 campaign" in counted.out
    assert 'tagged "vip": not counted' in uncounted.out
    assert "\nAn unknown number of people get messages in 1 campaign" in uncounted.out
    assert repo.run("plan", "--audience", "always", "--offline").code == 1
    assert repo.run("plan", "--audience", "--offline").code == 1


def test_large_account_is_counted_when_it_is_wanted(repo: Repo, sandbox: Sandbox) -> None:
    """More than twenty requests are not spent on counting, and the plan says so, unless --audience is given."""
    one = sandbox.world.contacts[contact_id(3)]
    others = {contact_id(number): replace(one, id=contact_id(number)) for number in range(1001, 3001)}
    sandbox.world.contacts.update(others)
    repo.campaign("sale", recipients={"type": "tags", "value": ["vip"]})

    as_ever = repo.run("plan")
    requests = len(sandbox.requests)
    wanted = repo.run("plan", "--audience")

    assert (as_ever.code, wanted.code) == (0, 0)
    assert 'tagged "vip": not counted' in as_ever.out
    assert "that takes more than 20 requests" in as_ever.out
    assert requests == 5
    assert "\n2040 people get 2040 messages in 1 campaign" in wanted.out
    assert len(sandbox.requests) == requests + 4 + 22


def test_overlap_names_both_campaigns(repo: Repo) -> None:
    """Two campaigns to one tag within a day draw one warning with both names, and the plan goes on."""
    repo.campaign("sale", schedule=in_days(30))
    repo.campaign("again", schedule=in_days(30, minutes=90))
    done = repo.run("plan")

    assert done.code == 0
    assert done.out.count("warning MF513") == 1
    assert "`sale` and `again` (again)" in done.out


def test_apply_that_the_month_can_not_finish_is_refused(tmp_path: Path) -> None:
    """Nothing is begun that the month's requests cannot end, unless somebody says so."""
    with Sandbox(Options(requests_per_second=0, monthly_api_requests=9)) as sandbox:
        repo = a_repo(tmp_path, sandbox)
        repo.campaigns(5)
        refused = repo.apply()
        sent_before = creates_seen(sandbox)

    assert refused.code == 1
    assert "do not suffice" in refused.err
    assert "--override request-quota" in refused.err
    assert sent_before == 0


def test_apply_beyond_the_month_stops_cleanly_when_it_was_wanted(tmp_path: Path) -> None:
    """`--override request-quota` begins all the same; the month's end stops the run, and nothing is in doubt."""
    with Sandbox(Options(requests_per_second=0, monthly_api_requests=9)) as sandbox:
        repo = a_repo(tmp_path, sandbox)
        repo.campaigns(5)
        done = repo.apply("--override", "request-quota")
        made = len(sandbox.campaigns())

    assert done.code == 3
    assert 0 < made < 5
    assert "MONTHLY_API_REQUEST_QUOTA_EXCEEDED" in done.out
    assert len(repo.records) == made


def test_start_more_than_a_year_ahead_is_a_warning(repo: Repo) -> None:
    """A slip in the year is named with its place and date, as long as the campaign is still to be created."""
    repo.campaign("soon", schedule=in_days(365))
    repo.campaign("late", schedule="2099-03-02T10:00:00Z")
    says = "warning MF417: it starts on 2099-03-02, more than a year ahead"

    validated, planned = repo.run("validate"), repo.run("plan")

    assert (validated.code, planned.code) == (0, 0)
    assert all(f"campaigns/late.yaml:3:11: {says}" in done.out for done in (validated, planned))
    assert [done.out.count("MF417") for done in (validated, planned)] == [1, 1]
    assert repo.apply().code == 0
    assert "MF417" not in repo.run("plan").out
