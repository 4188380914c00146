"""`preview` and `proof` with the real command: what people will read, in a terminal and on one phone."""

import json
from pathlib import Path

import pytest

from msgflash_apply.sandbox.seed import LOYALTY_CARD_ID, contact_id
from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import Repo

ME = "+33699999999"
SEND = "POST /api/v1/messages/send"
VARIABLES = {"brand": "Acme", "code": "A1"}
TEMPLATE = {"type": None, "body": None, "template": "welcome", "variables": VARIABLES}
BUTTONS = {
    "type": "buttons", "body": None, "title": "Sale", "description": "*Half* price", "footer": "Acme",
    "buttons": [{"type": "reply", "displayText": "Yes", "id": "yes"}],
}  # fmt: skip


def taken(sandbox: Sandbox) -> list[tuple[str, str | None]]:
    """The messages that the sandbox took: to whom, and with which words."""
    return [(message.to, message.body) for message in sandbox.world.messages.values()]


def test_preview_of_direct_content_sends_nothing(repo: Repo, sandbox: Sandbox) -> None:
    """Words of the files need neither key nor request; without colour they are as they are written."""
    repo.campaign("sale", **BUTTONS)
    done = repo.run("preview", "sale", env={"MSGFLASH_API_KEY": ""})

    assert done.code == 0, done.err
    assert "│ *Half* price" in done.out
    assert "[ Yes ]" in done.out
    assert max(map(len, done.out.splitlines())) <= 80
    assert not sandbox.requests


def test_preview_on_a_terminal_has_styles(repo: Repo) -> None:
    """Bold is bold on a terminal, and its marks are gone, as on a phone."""
    repo.campaign("sale", **BUTTONS)
    done = repo.run_on_terminal("preview", "sale")

    assert "\x1b[1mHalf\x1b[0m price" in done.out


def test_preview_of_a_template_marks_what_msgflash_fills_in(repo: Repo) -> None:
    """A template on MsgFlash is read; its variables are filled in, and the other placeholders are named."""
    repo.campaign("hello", **TEMPLATE)
    done = repo.run("preview", "hello")

    assert "boutique-principale (+33612345678)" in done.out
    assert "Hello {{contact.firstName}}, welcome to" in done.out
    assert "{{contact.firstName}}: filled in by MsgFlash for each contact." in done.out


def test_preview_for_a_contact(repo: Repo, sandbox: Sandbox) -> None:
    """MsgFlash fills the template in for a contact, and nothing is sent to anyone."""
    repo.campaign("hello", **TEMPLATE)
    done = repo.run("preview", "hello", "--contact", contact_id(1))

    assert done.code == 0, done.err
    assert "Hello Bruno, welcome to Acme! Your code: A1" in done.out
    assert not taken(sandbox)


def test_preview_says_what_is_missing_for_a_contact(repo: Repo, sandbox: Sandbox) -> None:
    """What a contact lacks is named, and a person is needed; direct content says that nothing is filled in."""
    sandbox.world.templates[LOYALTY_CARD_ID].body = "Your shop is {{contact.meta.shop}}."
    repo.campaign("card", type=None, body=None, templateId=LOYALTY_CARD_ID)
    repo.campaign("direct")
    lacking, direct = (repo.run("preview", address, "--contact", contact_id(1)) for address in ("card", "direct"))

    assert lacking.code == 3
    assert "MsgFlash cannot fill in contact.meta.shop for this contact" in lacking.out
    assert "MsgFlash fills in nothing there" in direct.out


def test_preview_as_a_page(repo: Repo) -> None:
    """The page is one file with no script, in which text of a campaign is text."""
    repo.campaign("sale", body="*Hi* <script>alert(1)</script>")
    page = repo.run("preview", "sale", "--format", "html").out

    assert page.startswith("<!doctype html>")
    assert '<span class="bold">Hi</span> &lt;script&gt;' in page
    assert "<script" not in page


def test_unknown_address_names_what_is_near(repo: Repo) -> None:
    """A misspelt address is an error that says what was probably meant; entries of a `for_each` are listed."""
    repo.campaign("summer-sale")
    repo.campaign("city", name="{{ each.key }}", for_each={"fr": {}, "de": {}})
    near, entries = repo.run("preview", "sumer-sale"), repo.run("preview", "city")

    assert (near.code, entries.code) == (1, 1)
    assert "Did you mean: summer-sale?" in near.err
    assert 'city["de"], city["fr"]' in entries.err


def test_proof_sends_one_message_after_a_yes(repo: Repo, sandbox: Sandbox) -> None:
    """The question shows number, words, sender and what is left; then it is sent once, with `title` for the kind."""
    repo.campaign("sale", **BUTTONS)
    done = repo.run_on_terminal("proof", "sale", "--to", ME, typed="yes\n")

    assert done.code == 0, done.out
    assert f"To {ME}, now, from boutique-principale (+33612345678):" in done.out
    assert "It is one message of 50000 left this month." in done.out
    assert f"Sent to {ME}: message " in done.out
    assert taken(sandbox) == [(ME, "*Half* price")]


@pytest.mark.parametrize("typed", ["y\n", "\n", "no\n"])
def test_proof_without_a_yes_sends_nothing(repo: Repo, sandbox: Sandbox, typed: str) -> None:
    """Only the whole word counts."""
    repo.campaign("sale")
    done = repo.run_on_terminal("proof", "sale", typed=typed, env={"MSGFLASH_PROOF_TO": ME})

    assert (done.code, taken(sandbox)) == (0, [])
    assert "Nothing was sent." in done.out


def test_proof_of_a_template_for_a_contact(repo: Repo, sandbox: Sandbox) -> None:
    """What the question shows is what the phone gets."""
    repo.campaign("hello", **TEMPLATE)
    without = repo.run_on_terminal("proof", "hello", "--to", ME)
    done = repo.run_on_terminal("proof", "hello", "--to", ME, "--contact", contact_id(1), typed="yes\n")

    assert (without.code, done.code) == (1, 0)
    assert "Missing: contact.firstName." in without.out
    assert "Hello Bruno, welcome to Acme! Your code: A1" in done.out
    assert taken(sandbox) == [(ME, "Hello Bruno, welcome to Acme! Your code: A1")]


def test_proof_is_a_persons_command(repo: Repo, sandbox: Sandbox) -> None:
    """Without a terminal it refuses, and no option answers for a person; a number is needed, and a whole one."""
    repo.campaign("sale")
    piped, approved = repo.run("proof", "sale", "--to", ME), repo.run("proof", "sale", "--to", ME, "--auto-approve")
    nowhere, national = repo.run("proof", "sale"), repo.run("proof", "sale", "--to", "0699999999")

    assert [one.code for one in (piped, approved, nowhere, national)] == [1, 1, 1, 1]
    assert "There is no terminal to ask whether to send a message." in piped.err
    assert "No such option" in approved.err
    assert "MSGFLASH_PROOF_TO" in nowhere.err
    assert "is not a number such as +33612345678" in national.err
    assert not sandbox.requests


@pytest.mark.parametrize(("fault", "sent"), [("drop_after", 1), ("drop_before", 0), ("500", 0)])
def test_lost_answer_is_never_sent_again(repo: Repo, sandbox: Sandbox, fault: str, sent: int) -> None:
    """It may have been sent, and is not sent again, whether or not it was."""
    repo.campaign("sale")
    sandbox.add_fault(f"{SEND} {fault}")
    done = repo.run_on_terminal("proof", "sale", "--to", ME, typed="yes\n")

    assert done.code == 3
    assert "The message may have been sent." in done.out
    assert len(taken(sandbox)) == sent
    assert sum(f"{seen.method} {seen.path}" == SEND for seen in sandbox.requests) == 1


def test_refused_message_was_not_sent(repo: Repo, sandbox: Sandbox) -> None:
    """A refusal for the rate is waited for; any other is an error with MsgFlash's words."""
    repo.campaign("sale")
    sandbox.add_fault(f"{SEND} 429")
    later = repo.run_on_terminal("proof", "sale", "--to", ME, typed="yes\n")
    sandbox.add_fault(f"{SEND} 422")
    refused = repo.run_on_terminal("proof", "sale", "--to", ME, typed="yes\n")

    assert (later.code, refused.code) == (0, 1)
    assert "The message was not sent." in refused.out
    assert "422 INVALID_DESTINATION" in refused.out
    assert len(taken(sandbox)) == 1


def test_proof_without_quota_is_not_offered(repo: Repo, sandbox: Sandbox) -> None:
    """Where no message is left this month there is nothing to ask."""
    sandbox.world.account.monthly_outbound = 0
    repo.campaign("sale")
    done = repo.run_on_terminal("proof", "sale", "--to", ME)

    assert done.code == 1
    assert "No message is left this month." in done.out


def test_template_of_the_repo_is_previewed_at_once_and_proven_once_applied(repo: Repo, sandbox: Sandbox) -> None:
    """Its words are in the files; MsgFlash has them after an apply, and then as the file says them."""
    template = repo.folder / "templates/relance.yaml"
    Path(template).parent.mkdir()
    template.write_text(f"type: text\nbody: {json.dumps('Hi, {{custom.code}} ends.')}\n")
    repo.campaign("sale", type=None, body=None, template="relance", variables={"code": "BF30"})
    shown, alone = (repo.run("preview", address, env={"MSGFLASH_API_KEY": ""}) for address in ("sale", "relance"))
    early = repo.run_on_terminal("proof", "sale", "--to", ME)
    assert repo.apply().code == 0
    done = repo.run_on_terminal("proof", "sale", "--to", ME, typed="yes\n")
    template.write_text("type: text\nbody: Hi, other words.\n")
    stale = repo.run_on_terminal("proof", "sale", "--to", ME)

    assert "Hi, BF30 ends." in shown.out
    assert alone.code == 0, alone.err
    assert "Hi, {{custom.code}} ends." in alone.out
    assert "{{custom.code}}: filled in by the variables of each campaign." in alone.out
    assert (early.code, done.code, stale.code) == (1, 0, 1)
    assert "Apply first: msgflash-apply apply" in early.out
    assert "Apply first" in stale.out
    assert taken(sandbox) == [(ME, "Hi, BF30 ends.")]
