"""What a store's refusals become: the status, the cloud's code, what to do, and no secret. Through the real library."""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from threading import Thread

import pytest
from obstore.store import S3Store

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.backend import open_backend
from msgflash_apply.state.backends.base import Backend, Location
from msgflash_apply.state.backends.object_store.clouds import connect, parse_address
from msgflash_apply.state.backends.object_store.objects import Objects
from tests.support.says import a_certificate, saying

SECRETS = {
    "AWS_ACCESS_KEY_ID": "c4nary-access-key-id",
    "AWS_SECRET_ACCESS_KEY": "c4nary-secret-access-key",
    "AWS_SESSION_TOKEN": "c4nary-session-token",
    "GOOGLE_BEARER_TOKEN": "c4nary-bearer-token",
    "AZURE_STORAGE_ACCOUNT_NAME": "account",
    "AZURE_STORAGE_SAS_TOKEN": "sv=2021-08-06&sig=c4nary-signature",
}
ENDPOINTS = {"s3": "AWS_ENDPOINT_URL", "gs": "GOOGLE_BASE_URL", "az": "AZURE_STORAGE_ENDPOINT"}


def a_state(scheme: str, endpoint: str, environ: Mapping[str, str] = SECRETS) -> Backend:
    """Open a state at an endpoint."""
    told = {"HOME": "/nonexistent", **environ, ENDPOINTS[scheme]: endpoint}
    return open_backend(Location(f"{scheme}://bucket/team", Path(), told))


def a_code(code: str, more: str = "") -> bytes:
    """Write what the three clouds write; the message quotes what was sent, as some do."""
    told = "<Message>c4nary-access-key-id c4nary-signature</Message>"
    return f"<?xml version='1.0'?><Error><Code>{code}</Code>{told}{more}</Error>".encode()


@pytest.mark.parametrize(
    ("scheme", "status", "body", "words", "fix"),
    [
        ("s3", 404, a_code("NoSuchBucket"), "404 NoSuchBucket", "Make that bucket"),
        ("az", 404, a_code("ContainerNotFound"), "404 ContainerNotFound", "Make that bucket or container"),
        ("s3", 403, a_code("AccessDenied"), "403 AccessDenied", "the right to list the bucket"),
        ("s3", 403, b"", "403", "the right to list the bucket"),
        ("az", 403, a_code("AuthorizationPermissionMismatch"), "AuthorizationPermission", "the right to list"),
        ("s3", 403, a_code("InvalidAccessKeyId"), "403 InvalidAccessKeyId", "working credentials"),
        ("s3", 403, a_code("SignatureDoesNotMatch"), "403 SignatureDoesNotMatch", "working credentials"),
        ("s3", 400, a_code("ExpiredToken"), "400 ExpiredToken", "working credentials"),
        ("gs", 401, a_code("AuthenticationRequired"), "401 AuthenticationRequired", "working credentials"),
        ("az", 401, b"", "401", "working credentials"),
        ("s3", 403, a_code("RequestTimeTooSkewed"), "403 RequestTimeTooSkewed", "clock"),
        (
            *("s3", 400, a_code("AuthorizationHeaderMalformed", "<Region>eu-west-3</Region>")),
            *("AuthorizationHeaderMalformed; the bucket's region is eu-west-3", "AWS_REGION"),
        ),
        ("s3", 301, a_code("PermanentRedirect"), "it is in another region", "AWS_REGION"),
        ("s3", 400, a_code("EntityTooLarge"), "400 EntityTooLarge", "Look that code up"),
        ("s3", 400, b"<html>", "answered 400", "is not a store of this kind"),
        ("s3", 405, b"", "answered 405", "is not a store of this kind"),
        ("s3", 501, b"", "answered 501", "is not a store of this kind"),
        ("gs", 503, b"", "answered 503", "Run again later"),
    ],
)
def test_refusal_says_what_to_do(scheme: str, status: int, body: bytes, words: str, fix: str) -> None:
    """Each refusal names the place, the status and the cloud's code, says what to do, and repeats nothing else."""
    with saying(status, body) as port, pytest.raises(BackendError) as caught:
        a_state(scheme, f"http://127.0.0.1:{port}").read()

    # Where a signature stands in the URL, as in Azure's, the library does not tell the host either.
    who = "the store" if scheme == "az" else f"127.0.0.1:{port}"
    assert caught.value.detail.startswith(f"{scheme}://bucket/team: {who} ")
    assert words in caught.value.detail
    assert fix in caught.value.fix
    assert "c4nary" not in str(caught.value)


def test_batch_that_is_refused_in_part_names_its_code() -> None:
    """A batch of deletes is answered with 200 even where one of them is refused; that one is an error."""
    failed = "<Error><Key>team/x</Key><Code>AccessDenied</Code><Message>no</Message></Error>"
    with saying(200, f"<DeleteResult>{failed}</DeleteResult>".encode()) as port:
        environ = {**SECRETS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
        objects = connect(parse_address("s3://bucket/team"), environ)

        with pytest.raises(BackendError, match="answered AccessDenied") as caught:
            objects.delete(["x"])

    assert "the right to list the bucket" in caught.value.fix


def test_nobody_answers() -> None:
    """Where nothing listens the error says so, and does not take long."""
    with pytest.raises(BackendError, match=r"no connection to 127\.0\.0\.1:1 could be made") as caught:
        a_state("s3", "http://127.0.0.1:1").read()

    assert "Check the network" in caught.value.fix


def test_unknown_host_is_named() -> None:
    """A host that has no address is named."""
    with pytest.raises(BackendError, match=r"the name of storage\.invalid was not found"):
        a_state("gs", "https://storage.invalid").read()


def test_nonsense_is_no_answer() -> None:
    """What is no HTTP at all is no answer."""
    with speaking(b"hello\r\n\r\n") as port, pytest.raises(BackendError, match="gave no answer that can be understood"):
        a_state("s3", f"http://127.0.0.1:{port}").read()


def test_silence_ends() -> None:
    """A server that says nothing is given up; the real client waits half a minute."""
    with speaking(b"") as port:
        store = S3Store(
            "bucket",
            config={"endpoint": f"http://127.0.0.1:{port}", "access_key_id": "id", "secret_access_key": "key"},
            client_options={"allow_http": True, "read_timeout": timedelta(seconds=0.2)},
            retry_config={"max_retries": 0},
        )

        with pytest.raises(BackendError, match=f"127.0.0.1:{port} did not answer in time"):
            Objects(store, "s3://bucket/team").read("state.json")


def test_certificate_must_be_trusted(tmp_path: Path) -> None:
    """A server whose certificate nobody knows is refused; one that AWS_CA_BUNDLE vouches for is spoken to."""
    certificate = a_certificate(tmp_path)
    with saying(404, a_code("NoSuchKey"), certificate=certificate) as port:
        endpoint = f"https://127.0.0.1:{port}"

        with pytest.raises(BackendError, match=f"the certificate of 127.0.0.1:{port} is not trusted"):
            a_state("s3", endpoint).read()
        assert a_state("s3", endpoint, {**SECRETS, "AWS_CA_BUNDLE": str(certificate)}).read() is None


def test_no_credentials_anywhere() -> None:
    """Where not even the machine's metadata service has credentials, the error says that there are none, in seconds."""
    with saying(403) as port, pytest.raises(BackendError, match="no credentials could be had") as caught:
        a_state("s3", "http://127.0.0.1:1", {"AWS_EC2_METADATA_SERVICE_ENDPOINT": f"http://127.0.0.1:{port}"}).read()

    assert "Give this process working credentials" in caught.value.fix


@contextmanager
def speaking(words: bytes) -> Iterator[int]:
    """Say some bytes to everybody who asks, and nothing more, for the time of a block; gives the port."""
    listener = socket.create_server(("127.0.0.1", 0))
    heard: list[socket.socket] = []

    def speak() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                heard.append(client)
                client.recv(1 << 16)
                client.sendall(words)

    thread = Thread(target=speak, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
        for each in (listener, *heard):
            each.close()
