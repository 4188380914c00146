"""All files of a repo: what is read, what clashes, and that every mistake comes in one run."""

import os
from pathlib import Path

import pytest

from msgflash_apply.files.load import load, load_found
from msgflash_apply.files.repo import RepoFile
from msgflash_apply.models.project import Settings
from tests.unit.files.repos import WELCOME, in_short, loaded, write


def named(name: str) -> str:
    """A good campaign of another name."""
    return WELCOME.replace("Welcome", name)


def test_campaigns_are_sorted_by_address(tmp_path: Path) -> None:
    """Files below the folder, with either suffix, become campaigns in the order of their addresses."""
    files = {"b.yaml": named("b"), "a/z.yml": named("z"), "a.yaml": named("a"), "c/d/e.yaml": named("e")}

    result = loaded(tmp_path, files)

    assert [campaign.address for campaign in result.campaigns] == ["a", "a/z", "b", "c/d/e"]
    assert (result.files, result.diagnostics) == (4, ())


def test_what_is_no_campaign_file_is_left_alone(tmp_path: Path) -> None:
    """Hidden files and folders, other suffixes and empty files make no campaign."""
    files = {".a.yaml": "x", ".hidden/a.yaml": "x", "a.txt": "x", "a.yaml~": "x", "empty.yaml": "# nothing\n"}

    result = loaded(tmp_path, files)

    assert (result.campaigns, result.diagnostics, result.files) == ((), (), 1)


def test_missing_folder_is_an_error(tmp_path: Path) -> None:
    """No campaigns folder is an error and not an empty desired state, which would retire everything."""
    result = load(Settings(tmp_path, campaigns="mailings"))

    assert [(d.code, d.file) for d in result.diagnostics] == [("MF104", "mailings")]
    assert result.has_errors


def test_mistakes_of_all_files_come_in_one_run(tmp_path: Path) -> None:
    """A file that is not YAML hides no mistake of another."""
    result = loaded(tmp_path, {"a.yaml": "a: }", "b.yaml": WELCOME + "x: 1\n", "c.yaml": WELCOME})

    assert in_short(result.diagnostics) == ["a.yaml:1:4 MF102", "b.yaml:6:1 MF301"]
    assert [campaign.address for campaign in result.campaigns] == ["c"]


def test_file_that_vanishes_is_told(tmp_path: Path) -> None:
    """A file that cannot be read any more is a diagnostic among the others."""
    result = load_found([RepoFile(str(tmp_path / "a.yaml"), "campaigns/a.yaml")], Settings(tmp_path))

    assert in_short(result.diagnostics) == ["a.yaml:None:None MF101"]


def test_links_do_not_lead_out_of_the_repo(tmp_path: Path) -> None:
    """A link to a file of the repo is read; one that leads out, and one to a folder, is an error."""
    repo = write(tmp_path / "repo", {"shared/a.yaml": named("a"), "campaigns/real/b.yaml": named("b")})
    write(tmp_path, {"secret.yaml": named("secret")})
    campaigns = repo / "campaigns"
    (campaigns / "a.yaml").symlink_to("../shared/a.yaml")
    (campaigns / "out.yaml").symlink_to(tmp_path / "secret.yaml")
    (campaigns / "loop").symlink_to(campaigns)
    (campaigns / "gone.yaml").symlink_to("nowhere.yaml")
    (campaigns / "notes").symlink_to("../shared/a.yaml")

    result = load(Settings(repo))

    assert [campaign.address for campaign in result.campaigns] == ["a", "real/b"]
    assert in_short(result.diagnostics) == [
        "gone.yaml:None:None MF101", "loop:None:None MF103", "out.yaml:None:None MF103",
    ]  # fmt: skip


def test_pipe_is_not_opened(tmp_path: Path) -> None:
    """What is not a regular file is reported, and never waited for."""
    (tmp_path / "campaigns").mkdir()
    os.mkfifo(tmp_path / "campaigns" / "a.yaml")

    assert in_short(load(Settings(tmp_path)).diagnostics) == ["a.yaml:None:None MF101"]


def test_huge_file_is_refused(tmp_path: Path) -> None:
    """A file above the limit is an error and not a campaign."""
    result = loaded(tmp_path, {"a.yaml": WELCOME + "#" * 1_100_000})

    assert in_short(result.diagnostics) == ["a.yaml:1:1 MF102"]


@pytest.mark.parametrize(
    ("paths", "addresses"),
    [
        (["campaigns/a"], ["a/x", "a/y"]),
        (["campaigns/a/y.yaml", "campaigns/b.yaml"], ["a/y", "b"]),
        (["campaigns/a", "campaigns/a/y.yaml"], ["a/x", "a/y"]),
        (["campaigns/../campaigns/a/./x.yaml"], ["a/x"]),
        (["."], ["a/x", "a/y", "b"]),
    ],
)
def test_paths_narrow_what_is_read(tmp_path: Path, paths: list[str], addresses: list[str]) -> None:
    """Only the files and folders given are read, each once, whether relative or absolute."""
    write(
        tmp_path, {"campaigns/a/x.yaml": named("x"), "campaigns/a/y.yaml": named("y"), "campaigns/b.yaml": named("b")}
    )

    relative = load(Settings(tmp_path), [Path(path) for path in paths])
    absolute = load(Settings(tmp_path), [tmp_path / path for path in paths])

    assert [campaign.address for campaign in relative.campaigns] == addresses
    assert absolute == relative


@pytest.mark.parametrize("path", ["campaigns/c.yaml", "..", "/etc/passwd", "campaigns/b"])
def test_path_without_campaign_files_is_an_error(tmp_path: Path, path: str) -> None:
    """A path that holds no campaign file is an error: a slip must not look like "all is well"."""
    write(tmp_path, {"campaigns/b.yaml": WELCOME})

    result = load(Settings(tmp_path), [Path(path)])

    assert [d.code for d in result.diagnostics] == ["MF104"]


def test_one_address_twice(tmp_path: Path) -> None:
    """Two campaigns with one address are an error at both places, each naming the other; broken ones count too."""
    result = loaded(
        tmp_path, {"a.yaml": named("x"), "a.yml": named("y"), "b/c.yaml": "key: d\n", "b/d.yaml": named("d")}
    )

    same = [d for d in result.diagnostics if d.code == "MF406"]
    assert in_short(same) == ["a.yaml:1:1 MF406", "a.yml:1:1 MF406", "b/c.yaml:1:1 MF406", "b/d.yaml:1:1 MF406"]
    assert "`a` (campaigns/a.yml:1)" in same[0].message
    assert "`a` (campaigns/a.yaml:1)" in same[1].message


def test_one_mailing_twice(tmp_path: Path) -> None:
    """Two campaigns that would send the same are an error at both places, however they are spelt."""
    first = WELCOME.replace("{type: all}", "{type: tags, value: [a, b]}")
    second = first.replace("[a, b]", "[b, a]").replace("10:00:00+01:00", "09:00:00Z") + "labels: {x: y}\n"

    result = loaded(tmp_path, {"a.yaml": first, "b.yaml": second, "c.yaml": first.replace("Hello", "Hi")})

    assert in_short(result.diagnostics) == ["a.yaml:1:1 MF407", "b.yaml:1:1 MF407"]
    assert result.diagnostics[0].message == "duplicates campaign `b` (campaigns/b.yaml:1)"


def test_instance_name_sets_mailings_apart(tmp_path: Path) -> None:
    """The same words from two numbers are two mailings."""
    result = loaded(tmp_path, {"a.yaml": WELCOME + "instance: x\n", "b.yaml": WELCOME + "instance: y\n"})

    assert result.diagnostics == ()


def test_former_address_belongs_to_one(tmp_path: Path) -> None:
    """Two campaigns cannot both have been what one was."""
    files = {name: named(name) + "moved_from: [old]\n" for name in ("a.yaml", "b.yaml")}

    assert in_short(loaded(tmp_path, files).diagnostics) == ["a.yaml:1:1 MF409", "b.yaml:1:1 MF409"]


def test_former_address_is_not_in_use(tmp_path: Path) -> None:
    """A campaign that stays where it is cannot lose its record to another: it would be sent again."""
    result = loaded(tmp_path, {"a.yaml": named("a"), "b.yaml": named("b") + "moved_from: [a]\n"})

    assert in_short(result.diagnostics) == ["b.yaml:6:14 MF409"]


def test_campaigns_may_swap_addresses(tmp_path: Path) -> None:
    """Two campaigns that each move to the other's address are a rename like any other."""
    result = loaded(tmp_path, {"a.yaml": named("a") + "moved_from: [b]\n", "b.yaml": named("b") + "moved_from: [a]\n"})

    assert result.diagnostics == ()


def test_slip_of_the_vendor_is_taken_for_none(tmp_path: Path) -> None:
    """`repeat: noe` goes out once, and the warning says so."""
    result = loaded(tmp_path, {"a.yaml": WELCOME + "repeat: noe\n"})

    (warning,) = result.diagnostics
    assert (warning.code, warning.line, warning.is_error) == ("MF304", 6, False)
    assert warning.hint == "write `none`, or leave it out"
    assert "repeat" not in result.campaigns[0].payload


@pytest.mark.parametrize(
    ("entry", "address"),
    [
        ("campaigns/a.yaml", "a"),
        ("campaigns/promo/a.YML", "promo/a"),
        ("a.yaml", "a"),
        ("./campaigns/a", "a"),
        ("/campaigns/a.yaml", "a"),
        ("campaigns/promo/a", "promo/a"),
        ("campaigns\\\\promo\\\\a.yaml", "promo/a"),
        ('campaigns/a.yaml[\\"fr\\"]', 'a["fr"]'),
        ("campaigns/e\\u0301.yaml", "\u00e9"),
    ],
)
def test_path_in_place_of_a_former_address(tmp_path: Path, entry: str, address: str) -> None:
    """A path is an error that says which address to write: it would match nothing, and the campaign be sent again."""
    (found,) = loaded(tmp_path, {"b.yaml": named("b") + f'moved_from: ["{entry}"]\n'}).diagnostics

    assert (found.code, found.line, found.column, found.is_error) == ("MF408", 6, 14, True)
    assert found.hint == f"write `{address}`"


def test_path_below_another_folder_of_campaigns(tmp_path: Path) -> None:
    """The folder of the campaigns is the one that msgflash.yaml names."""
    write(tmp_path, {"mail/b.yaml": named("b") + "moved_from: [mail/a, campaigns/a]\n"})

    (found,) = load(Settings(tmp_path, campaigns="mail")).diagnostics

    assert found.hint == "write `a`"


@pytest.mark.parametrize(
    ("one", "other"),
    [("Promo.yaml", "promo.yaml"), ("Promo/a.yaml", "promo/A.yml"), ("x/\u00c9t\u00e9.yaml", "x/\u00e9t\u00e9.yaml")],
)
def test_addresses_that_differ_in_case_only(tmp_path: Path, one: str, other: str) -> None:
    """A checkout on macOS or Windows holds one of the two: a warning at both, which names the other."""
    result = loaded(tmp_path, {one: named("a"), other: named("b"), "third.yaml": named("c")})

    assert [(found.file, found.code, found.is_error) for found in result.diagnostics] == [
        (f"campaigns/{name}", "MF416", False) for name in sorted((one, other))
    ]
    assert f"(campaigns/{other}:1)" in next(d.message for d in result.diagnostics if d.file == f"campaigns/{one}")
    assert len(result.campaigns) == 3


def test_tables_that_differ_in_case_only(tmp_path: Path) -> None:
    """Two files are one warning each, however many entries they have; entries of one file are compared too."""
    table = named("{{ each.key }}").replace("name: ", "name: '").replace("\n", "'\n", 1)
    files = {name: f"{table}for_each: {{fr: {name[0]}, de: 2}}\nbody: {name}\n".replace("body: Hello\n", "")
             for name in ("Promo.yaml", "promo.yaml")}  # fmt: skip

    assert in_short(loaded(tmp_path / "1", files).diagnostics) == ["Promo.yaml:1:1 MF416", "promo.yaml:1:1 MF416"]
    entries = loaded(tmp_path / "2", {"a.yaml": f"{table}for_each: {{fr: 1, FR: 2}}\n"}).diagnostics
    assert in_short(entries) == ["a.yaml:1:1 MF416", "a.yaml:1:1 MF416"]


def test_order_of_files_changes_nothing(tmp_path: Path) -> None:
    """Diagnostics come in the order of files and lines, whatever order the files were written in."""
    files = {f"{name}.yaml": WELCOME + "x: 1\ny: 2\n" for name in "cab"}
    backwards = dict(reversed(files.items()))

    assert loaded(tmp_path / "1", files) == loaded(tmp_path / "2", backwards)


def test_decomposed_file_name_is_the_same_address(tmp_path: Path) -> None:
    """A name that a file system stores decomposed gives the composed address."""
    result = loaded(tmp_path, {"e\u0301te\u0301.yaml": WELCOME})

    assert [campaign.address for campaign in result.campaigns] == ["\u00e9t\u00e9"]
    assert result.diagnostics == ()
