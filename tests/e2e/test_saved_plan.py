"""Plans saved, reviewed and applied with the real command; contract section 7."""

import json

from tests.support.command import Repo


def test_saved_plan_is_applied_without_the_files(repo: Repo) -> None:
    """What was reviewed goes out, even when the files have gone since."""
    repo.campaigns(2)
    planned = repo.run("plan", "--out", "plan.json")
    for address in ("c00", "c01"):
        repo.remove(address)
    applied = repo.run("apply", "--auto-approve", "plan.json")

    assert (planned.code, applied.code) == (0, 0), applied.err
    assert "msgflash-apply apply plan.json" in planned.err
    assert sorted(repo.records) == ["c00", "c01"]
    assert len(repo.sandbox.campaigns()) == 2


def test_saved_plan_is_applied_once(repo: Repo) -> None:
    """A plan that was carried out is stale: a second pipeline run sends nothing."""
    repo.campaigns(1)
    repo.run("plan", "--out", "plan.json")
    repo.run("apply", "--auto-approve", "plan.json")
    again = repo.run("apply", "--auto-approve", "plan.json")

    assert again.code == 1
    assert "The state has moved on" in again.err
    assert "c00 is on record now" in again.err
    assert len(repo.sandbox.campaigns()) == 1


def test_saved_plan_is_held_to_its_digest(repo: Repo) -> None:
    """`--expect` goes with a plan file too."""
    repo.campaigns(1)
    repo.run("plan", "--out", "plan.json")
    digest = repo.run("plan", "--format", "json").document["digest"]
    wrong = repo.run("apply", "--auto-approve", "--expect", "sha256:0", "plan.json")
    right = repo.run("apply", "--auto-approve", "--expect", str(digest), "plan.json")

    assert (wrong.code, right.code) == (1, 0)
    assert len(repo.sandbox.campaigns()) == 1


def test_saved_plan_holds_no_secret_and_is_private(repo: Repo) -> None:
    """The file holds the campaigns and no key, and only its owner may read it."""
    repo.campaigns(1)
    repo.run("plan", "--out", "plan.json")
    file = repo.folder / "plan.json"

    assert repo.sandbox.api_key not in file.read_text(encoding="utf-8")
    assert file.stat().st_mode & 0o077 == 0


def test_what_is_no_plan_is_refused(repo: Repo) -> None:
    """A missing file, another file and a plan of another environment are told apart, and nothing is sent."""
    repo.campaigns(1)
    repo.run("plan", "--out", "plan.json")
    repo.write("msgflash.yaml", "version: 1\nenvironments: {staging: {}}\n")
    repo.run("--env", "staging", "init")
    missing = repo.run("--env", "staging", "apply", "--auto-approve", "nothing.json")
    other = repo.run("--env", "staging", "apply", "--auto-approve", ".msgflash/default.json")
    elsewhere = repo.run("--env", "staging", "apply", "--auto-approve", "plan.json")

    assert [missing.code, other.code, elsewhere.code] == [1, 1, 1]
    assert "cannot be read" in missing.err
    assert "is no plan file" in other.err
    assert "another environment" in elsewhere.err
    assert repo.sandbox.campaigns() == []


def test_previews_can_not_be_saved(repo: Repo) -> None:
    """What could not be checked is not saved; options that narrow a plan do not go with a plan file."""
    repo.campaigns(1)

    assert repo.run("plan", "--offline", "--out", "plan.json").code == 1
    assert repo.run("apply", "--auto-approve", "--target", "c00", "plan.json").code == 1
    assert not (repo.folder / "plan.json").exists()


def test_plan_file_is_versioned_json(repo: Repo) -> None:
    """The file is data: JSON with a format version and a checksum."""
    repo.campaigns(1)
    repo.run("plan", "--out", "plan.json")
    document = json.loads((repo.folder / "plan.json").read_text(encoding="utf-8"))

    assert document["format_version"] == 3
    assert document["checksum"].startswith("sha256:")
