"""What goes wrong between us and the server of a state, and what is said of it."""

import re
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.base import Location
from msgflash_apply.state.backends.terraform_http.connection import Connection
from msgflash_apply.state.backends.terraform_http.endpoints import Credentials
from msgflash_apply.state.backends.terraform_http.store import open_terraform_http
from tests.support.states import a_holder
from tests.support.stores.authority import Authority
from tests.support.stores.http import HTML, a_client, as_user, environment, methods
from tests.support.stores.http_server import READER, WRITER, Fault, Reply, StateServer


@pytest.fixture
def server(tmp_path: Path) -> Iterator[StateServer]:
    """Run a server in this process, where a test can see what it gets and spoil what it answers."""
    with StateServer(tmp_path / "server") as running:
        yield running


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (400, "correct the state's address"),
        (403, "In GitLab, to read takes the role of a developer"),
        (404, "a project that this user may not see"),
        (405, "TF_HTTP_LOCK_METHOD"),
        (418, "correct the state's address"),
        (422, "a version of this number already"),
        (429, "too many requests"),
        (500, "an error of its own.* a lock that was broken"),
        (501, "TF_HTTP_LOCK_METHOD"),
        (503, "an error of its own"),
    ],
)
def test_refusal_says_what_to_do(server: StateServer, status: int, advice: str) -> None:
    """Each status is named with what it means here."""
    server.faults = [Fault("LOCK", Reply(status))] * 3

    with pytest.raises(BackendError, match=f"attempt to lock was answered with {status}") as caught:
        a_client(server).lock(a_holder())

    assert re.search(advice, caught.value.fix)


def test_wrong_password_is_told_and_not_repeated(server: StateServer) -> None:
    """A user whom the server does not know is told which variables to mend."""
    client = a_client(server, environ=as_user(("ada", "wr0ng-secret")))

    with pytest.raises(BackendError, match=r"answered with 401 \(401 Unauthorized\)") as caught:
        client.read()

    assert "TF_HTTP_PASSWORD" in caught.value.fix
    assert "wr0ng-secret" not in str(caught.value)
    assert methods(server) == ["GET"]


def test_reader_may_read_and_no_more(server: StateServer) -> None:
    """Reading needs no right to write, and writing without it is refused by name."""
    a_client(server).write(b"one", expected=None)
    reader = a_client(server, environ=as_user(READER))

    assert (reader.read() is not None, reader.remains(), reader.backups()) == (True, (), ())
    with pytest.raises(BackendError, match="answered with 403"):
        reader.append("run-1", b"line\n")


def test_state_that_is_too_large_is_told(server: StateServer) -> None:
    """A server that limits states says so, and the former one stays."""
    client = a_client(server)
    version = client.write(b"one", expected=None)
    server.largest_bytes = 1000

    with pytest.raises(BackendError, match="answered with 413") as caught:
        client.write(b"x" * 1000, expected=version)

    assert "Raise its limit" in caught.value.fix
    stored = client.read()
    assert stored is not None
    assert stored.version == version


def test_redirect_is_not_followed(server: StateServer) -> None:
    """A redirect is told without its query; nothing is sent after it."""
    away = Reply(302, headers={"Location": "https://sso.example/login?token=t0ken"})
    server.faults = [Fault("GET", away)]

    with pytest.raises(BackendError, match=r"was sent on to https://sso\.example/login\.") as caught:
        a_client(server).read()

    assert "t0ken" not in str(caught.value)
    assert methods(server) == ["GET"]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b'{"message": "no \\u001b[31mroom for ' + WRITER[1].encode() + b'"}', r"\(no \[31mroom for …\)\."),
        (b'{"error": "' + b"long " * 1000 + b'"}', r"403 \((long ){40}\)\."),
        (b'{"message": {"base": ["no"]}}', r"403\."),
        (b"[]", r"403\."),
        (b"[" * 100_000, r"403\."),
        (b"<script>", r"403\."),
    ],
)
def test_words_of_the_server_are_repeated_with_care(server: StateServer, body: bytes, words: str) -> None:
    """What the server says is shown on one short line without our password; a page of a stranger is not shown."""
    server.faults = [Fault("GET", Reply(403, body))]

    with pytest.raises(BackendError, match=words):
        a_client(server).read()


def test_server_that_hangs_up_is_told(server: StateServer) -> None:
    """A server that gives no answer is asked again, and then named."""
    server.faults = [Fault("GET")] * 3

    with pytest.raises(BackendError, match=r"cannot be reached\.\n.*/prod: no answer to the attempt to read: "):
        a_client(server).read()

    assert methods(server) == ["GET"] * 3


def test_server_that_is_back_is_used(server: StateServer) -> None:
    """A server that hung up once is asked again."""
    server.faults = [Fault("GET"), Fault("GET", HTML)]

    assert a_client(server).read() is None


def a_location(url: str, **environ: str) -> Location:
    """Build the location of a state whose requests are not repeated."""
    return Location(url, Path(), {"TF_HTTP_RETRY_MAX": "0", **environ}, is_trusted=True)


@pytest.mark.parametrize(
    ("url", "advice"),
    [
        ("http://127.0.0.1:1/prod", "Check that the server runs"),
        ("https://states.invalid/prod", "Check the host"),
        ("https://999.1.1.1/prod", "Check that the server runs"),
    ],
)
def test_unreachable_server_is_told(url: str, advice: str) -> None:
    """Where nothing listens, or the host has no address, the error says which."""
    with pytest.raises(BackendError, match="cannot be reached") as caught:
        open_terraform_http(a_location(url)).read()

    assert advice in caught.value.fix


def test_silent_server_is_left() -> None:
    """A server that takes a request and says nothing is left after a bounded time."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        location = a_location(f"http://127.0.0.1:{silent.getsockname()[1]}/prod")

        with pytest.raises(BackendError, match="cannot be reached") as caught:
            open_terraform_http(location, timeout_seconds=0.1).read()

    assert "any proxy on the way" in caught.value.fix


def test_endless_answer_is_left(server: StateServer) -> None:
    """An answer that is larger than any state is not read to its end."""
    server.faults = [Fault("GET", Reply(200, b"x" * 1001))]
    connection = Connection(Credentials(), is_loopback=True, is_plain=True, timeout_seconds=10, largest_bytes=1000)

    with pytest.raises(BackendError, match="over 1,000 bytes"):
        connection.send("GET", f"{server.url}/state/prod")


def test_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy is asked for the host alone: the password travels inside, if the proxy lets anything through."""
    with socket.create_server(("127.0.0.1", 0)) as proxy, ThreadPoolExecutor(1) as pool:
        heard = pool.submit(_first_words, proxy)
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.getsockname()[1]}")

        with pytest.raises(BackendError, match="cannot be reached"):
            open_terraform_http(a_location("https://states.invalid/prod", **as_user(WRITER))).read()

        assert heard.result().startswith(b"CONNECT states.invalid:443 ")
        assert b"uthorization" not in heard.result()


def test_no_proxy_between_us_and_this_machine(server: StateServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Plain http to this machine passes no proxy, which would see the password."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")

    assert a_client(server).read() is None


@pytest.mark.parametrize(("variable", "value"), [("HTTPS_PROXY", "gopher://ada:s3cret@x"), ("SSL_CERT_FILE", "/none")])
def test_unusable_network_settings_are_told(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy of a strange kind, or an authority that is not there, is told without the proxy's password."""
    monkeypatch.setenv(variable, value)

    with pytest.raises(BackendError, match=variable) as caught:
        open_terraform_http(a_location("https://states.invalid/prod"))

    assert "s3cret" not in str(caught.value)


def _first_words(proxy: socket.socket) -> bytes:
    connection, _ = proxy.accept()
    with connection:
        return connection.recv(65536)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Make an authority of the tests' own."""
    return Authority(tmp_path)


def test_certificate_of_an_unknown_authority_is_told(server: StateServer, authority: Authority) -> None:
    """A certificate that nobody vouches for is refused, at once, with the variable that helps."""
    url = authority.protect(server)

    with pytest.raises(BackendError, match="CERTIFICATE_VERIFY_FAILED") as caught:
        open_terraform_http(Location(f"{url}/state/prod", Path(), environment(), is_trusted=True)).read()

    assert "TF_HTTP_CLIENT_CA_CERTIFICATE_PEM" in caught.value.fix


def test_own_authority_and_client_certificate_are_used(server: StateServer, authority: Authority) -> None:
    """A server of an own authority that asks for a certificate gets the one of the environment."""
    url = authority.protect(server, asks_for_certificate=True)
    trusting = {**environment(), "TF_HTTP_CLIENT_CA_CERTIFICATE_PEM": authority.certificate}
    known = {
        **trusting,
        "TF_HTTP_CLIENT_CERTIFICATE_PEM": authority.client_certificate,
        "TF_HTTP_CLIENT_PRIVATE_KEY_PEM": authority.client_key,
    }

    assert open_terraform_http(Location(f"{url}/state/prod", Path(), known, is_trusted=True)).read() is None
    with pytest.raises(BackendError, match="cannot be reached"):
        open_terraform_http(Location(f"{url}/state/prod", Path(), trusting, is_trusted=True)).read()
