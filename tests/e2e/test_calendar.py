"""`calendar` with the real command: from the files, with and without a state, and never with a request."""

from icalendar import Calendar

from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import Repo


def test_calendar_needs_no_request_and_no_state(repo: Repo, sandbox: Sandbox) -> None:
    """Files are enough: in a repo without a state everything is not created yet."""
    repo.campaign("sale", schedule="2099-11-27T09:00:00+01:00", timezone="Europe/Paris", repeat="weekly")
    repo.state.unlink()
    done = repo.run("calendar", "--to", "2099-12-05", "--from", "2099-11-01")
    assert done.code == 0
    assert done.out.startswith("Fri 27 Nov 2099\n  09:00 Europe/Paris  sale")
    assert "Fri 4 Dec 2099" in done.out
    assert sandbox.requests == []


def test_state_says_what_became_of_it(repo: Repo) -> None:
    """What was created goes out as recorded; without the state the files decide."""
    repo.campaigns(1)
    repo.apply()
    done = repo.run("calendar")
    assert done.out.split("\n")[1].endswith("scheduled")
    assert "not created yet" in repo.run("calendar", "--no-state").out


def test_ics_is_read_by_a_calendar_program(repo: Repo) -> None:
    """The file holds an event per campaign, with its rule."""
    repo.campaign("sale", schedule="2099-11-27T09:00:00+01:00", repeat="daily")
    repo.campaign("news", schedule="2099-11-28T09:00:00+01:00")
    done = repo.run("calendar", "--ics")
    calendar = Calendar.from_ical(done.out.encode())
    assert [str(event["SUMMARY"]) for event in calendar.walk("VEVENT")] == ["sale", "news"]


def test_endless_time_is_refused(repo: Repo) -> None:
    """More than ten years of runs is a slip."""
    repo.campaign("sale", repeat="daily")
    refused = repo.run("calendar", "--to", "2999-01-01")
    assert refused.code == 1
    assert "ten years" in refused.err
