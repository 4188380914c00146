"""Each fault on demand: what a client sees on its socket, and whether the campaign was created."""

import json
import socket
from dataclasses import replace
from time import monotonic
from urllib.parse import urlsplit

import pytest

from msgflash_apply.sandbox.server import Sandbox
from tests.support.command import wait_until
from tests.support.sandbox import STILL, Client, a_body, running

CREATE = "POST /api/v1/campaigns"
SHORT_SECONDS = 0.2
"""Enough to say that no answer comes, where none is meant to."""


def send_raw(sandbox: Sandbox, patience_seconds: float = 5) -> str:
    """Send one create and say what came: the answer's bytes, `closed`, `reset`, `cut` or `silence`."""
    body = json.dumps(a_body()).encode()
    head = f"POST /api/v1/campaigns HTTP/1.1\r\nHost: x\r\nx-api-key: {sandbox.api_key}\r\nContent-Length: {len(body)}"
    with socket.create_connection((urlsplit(sandbox.url).hostname, urlsplit(sandbox.url).port), timeout=2) as wire:
        wire.sendall(f"{head}\r\n\r\n".encode() + body)
        wire.settimeout(patience_seconds)
        return _receive(wire)


def _receive(wire: socket.socket) -> str:
    received = b""
    try:
        while chunk := wire.recv(65_536):
            received += chunk
            if _is_whole(received):
                return received.decode()
    except TimeoutError:
        return "silence"
    except ConnectionResetError:
        return "reset"
    return "cut" if received else "closed"


def _is_whole(received: bytes) -> bool:
    head, separator, body = received.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
    return bool(separator) and len(body) >= int(lengths[0])


def test_client_that_dies_in_its_request_does_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """A request that ends in its middle creates nothing, is still seen, and is nothing to complain about."""
    head = "POST /api/v1/campaigns HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n"
    with running() as (sandbox, _client):
        with socket.create_connection((urlsplit(sandbox.url).hostname, urlsplit(sandbox.url).port), timeout=2) as wire:
            wire.sendall(head.encode() + b'{"name"')
        wait_until(lambda: len(sandbox.requests) == 1)
        assert sandbox.requests[0].status == 0
        assert sandbox.campaigns() == []
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("fault", "seen", "created"),
    [
        ("refuse", "reset", 0),
        ("stall", "silence", 0),
        ("stall_after", "silence", 1),
        ("drop_before", "closed", 0),
        ("drop_after", "closed", 1),
        ("reset_before", "reset", 0),
        ("reset_after", "reset", 1),
        ("half", "cut", 1),
        ("429", "HTTP/1.1 429", 0),
        ("500", "HTTP/1.1 500", 0),
        ("500_after", "HTTP/1.1 500", 1),
        ("503", "HTTP/1.1 503", 0),
        ("409_after", "HTTP/1.1 409", 1),
        ("unauthorized", "HTTP/1.1 401", 0),
        ("plan", "HTTP/1.1 403", 0),
        ("quota", "HTTP/1.1 429", 0),
        ("outbound_quota", "HTTP/1.1 429", 0),
        ("html", "HTTP/1.1 200", 0),
        ("html_after status=502", "HTTP/1.1 502", 1),
        ("no_id", "HTTP/1.1 201", 1),
        ("empty", "HTTP/1.1 201", 1),
        ("alter field=body value=Bye", "HTTP/1.1 201", 1),
        ("misreport field=body value=Bye", "HTTP/1.1 201", 1),
        ("normalise", "HTTP/1.1 201", 1),
        ("delay seconds=0.05", "HTTP/1.1 201", 1),
    ],
)
def test_each_fault_on_the_wire(fault: str, seen: str, created: int) -> None:
    """Every fault breaks the connection or the answer as it says, with the work done or not, and once only."""
    with running() as (sandbox, _):
        sandbox.add_fault(f"{CREATE} {fault}")
        first = send_raw(sandbox, SHORT_SECONDS if seen == "silence" else 5)
        done = len(sandbox.campaigns())
        second = send_raw(sandbox)
    assert first.startswith(seen)
    assert done == created
    assert second.startswith("HTTP/1.1 201")


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("429", "API_RATE_LIMIT_EXCEEDED"),
        ("quota", "MONTHLY_API_REQUEST_QUOTA_EXCEEDED"),
        ("outbound_quota", "MONTHLY_OUTBOUND_QUOTA_EXCEEDED"),
        ("plan", "CAMPAIGNS_NOT_AVAILABLE_ON_PLAN"),
        ("unauthorized", "UNAUTHORIZED"),
        ("502", "PROVIDER_ERROR"),
        ("504", "INTERNAL_ERROR"),
        ("418", "BAD_REQUEST"),
        ("403 code=SUBSCRIPTION_INACTIVE", "SUBSCRIPTION_INACTIVE"),
    ],
)
def test_statuses_carry_their_code(fault: str, code: str) -> None:
    """A status on demand has the envelope with the code of that status, or the one asked for (2.7)."""
    with running() as (sandbox, client):
        sandbox.add_fault(f"{CREATE} {fault}")
        answer = client.post("/campaigns", a_body())
    assert answer.at("error.code") == code


def test_retry_after_is_sent_where_asked_for() -> None:
    """429 comes with or without Retry-After (2.6, 10.5)."""
    with running() as (sandbox, client):
        sandbox.add_fault(f"{CREATE} 429 retry_after=2")
        sandbox.add_fault(f"{CREATE} 429")
        first, second = client.post("/campaigns", a_body()), client.post("/campaigns", a_body())
    assert first.headers["retry-after"] == "2"
    assert "retry-after" not in second.headers


def test_answers_that_are_not_understood() -> None:
    """A page instead of JSON, a 201 without id, and an empty 201 differ from good answers."""
    with running() as (sandbox, client):
        for kind in ("html", "no_id", "empty"):
            sandbox.add_fault(f"{CREATE} {kind}")
        page, without_id, empty = (client.post("/campaigns", a_body()) for _ in range(3))
    assert (page.status, page.document, page.headers["content-type"]) == (200, None, "text/html; charset=utf-8")
    data = without_id.object_at("data")
    assert (without_id.status, "id" in data, data["name"]) == (201, False, "Spring")
    assert (empty.status, empty.document, empty.headers["content-length"]) == (201, None, "0")


def test_delay_works_late_even_without_a_client() -> None:
    """After a client gave up on a delayed create, the campaign is made all the same."""
    with running() as (sandbox, client):
        sandbox.add_fault(f"{CREATE} delay seconds=0.3")
        gave_up = send_raw(sandbox, SHORT_SECONDS)
        sandbox.add_fault("GET * delay seconds=0.3")
        client.get("/instances")
        assert (gave_up, len(sandbox.campaigns())) == ("silence", 1)


def test_unreachable_refuses_connections() -> None:
    """While unreachable, connections are refused; afterwards the same URL answers again."""
    with running() as (sandbox, client):
        with sandbox.unreachable(), pytest.raises(ConnectionRefusedError):
            client.get("/instances")
        assert client.get("/instances").status == 200


def test_faults_wait_for_their_request() -> None:
    """A fault for creates leaves reads alone, and clearing disarms it."""
    with running() as (sandbox, client):
        sandbox.add_fault(f"{CREATE} 500 times=*")
        statuses = [client.get("/instances").status, client.post("/campaigns", a_body()).status]
        sandbox.clear_faults()
        statuses.append(client.post("/campaigns", a_body()).status)
    assert statuses == [200, 500, 201]


def test_requests_are_remembered_with_what_was_answered() -> None:
    """`requests` has every request in order, with status 0 where no answer went out."""
    with running() as (sandbox, client):
        sandbox.add_fault(f"{CREATE} reset_after")
        send_raw(sandbox)
        client.get("/instances")
        Client(sandbox.url).get("/usage")
        seen = sandbox.requests
    assert [(request.method, request.path, request.status) for request in seen] == [
        ("POST", "/api/v1/campaigns", 0),
        ("GET", "/api/v1/instances", 200),
        ("GET", "/api/v1/usage", 401),
    ]
    assert [request.key for request in seen] == [sandbox.api_key, sandbox.api_key, None]
    assert seen[0].time < seen[1].time < seen[2].time


def test_latency_comes_before_each_answer() -> None:
    """With a latency every answer takes at least that long."""
    with running(replace(STILL, latency_seconds=0.1)) as (_, client):
        started_at = monotonic()
        client.get("/instances")
        took_seconds = monotonic() - started_at
    assert took_seconds >= 0.1
