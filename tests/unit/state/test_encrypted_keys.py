"""Keys: how they are written, and that nothing ever shows one."""

from base64 import b64encode

import pytest

from msgflash_apply.errors import MsgflashApplyError
from msgflash_apply.state.backends.encryption import read_keys
from tests.support.keys import KEY, OTHER_KEY, a_keyring, id_of


@pytest.mark.parametrize("text", [f"{KEY} {OTHER_KEY}", f"{KEY}\n{OTHER_KEY}\n", f"  {KEY}\r\n\t{OTHER_KEY} {KEY}"])
def test_keys_are_separated_by_white_space(text: str) -> None:
    """Keys are side by side or on lines of their own, in order, and a repeated one counts once."""
    assert read_keys(text, origin="here").ids == (id_of(KEY), id_of(OTHER_KEY))


def test_id_is_short_and_says_nothing_of_the_key() -> None:
    """An id is twelve hexadecimal digits, the same in every version of the program."""
    assert id_of(KEY) == "93d281329273"
    assert id_of(OTHER_KEY) != id_of(KEY)


def test_key_is_not_in_any_text_about_it() -> None:
    """Printing keys, as a debugger or a log would, shows their ids alone."""
    keys = a_keyring(KEY, OTHER_KEY)

    shown = f"{keys!r} {keys.keys[0]} {keys}"

    assert id_of(KEY) in shown
    for secret in (KEY, repr(bytes(range(32)))[2:-1], bytes(range(32)).hex()):
        assert secret not in shown


@pytest.mark.parametrize(
    "word",
    [
        "hunter2",
        KEY[:-1],
        KEY + KEY,
        b64encode(bytes(31)).decode(),
        b64encode(bytes(33)).decode(),
        bytes(range(32)).hex(),
        "k" * 43 + "é",
        f"{KEY},{OTHER_KEY}",
    ],
)
def test_malformed_key_is_reported_by_number(word: str) -> None:
    """A word that is no key is named by its place alone, whatever it is, and how to make one is said."""
    with pytest.raises(MsgflashApplyError, match="The state key is malformed") as caught:
        read_keys(f"{KEY} {word}", origin="MSGFLASH_STATE_KEY")

    assert caught.value.detail == "MSGFLASH_STATE_KEY: key 2 of 2 is not 32 bytes in base64."
    assert "openssl rand -base64 32" in caught.value.fix
    chain = (caught.value, caught.value.__cause__, caught.value.__context__)
    assert not [error for error in chain if word in f"{error!r} {vars(error) if error else ''}"]


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_no_key_at_all_is_an_error(text: str) -> None:
    """A place for keys with none in it is an error, never a state that is not encrypted."""
    with pytest.raises(MsgflashApplyError, match="There is no state key"):
        read_keys(text, origin="here")


def test_key_of_an_id_goes_first() -> None:
    """The key that a state needs can be put first; an id of none of them changes nothing."""
    keys = a_keyring(KEY, OTHER_KEY)

    assert keys.led_by(id_of(OTHER_KEY)).ids == (id_of(OTHER_KEY), id_of(KEY))
    assert keys.led_by(None) == keys.led_by("0" * 12) == keys
