"""The control path, and starting and stopping."""

import signal
import subprocess
import sys
import threading
from dataclasses import replace
from http.client import HTTPException
from pathlib import Path
from time import sleep

import pytest

from msgflash_apply.sandbox.assumptions import ASSUMPTIONS
from msgflash_apply.sandbox.seed import BOUTIQUE_ID
from msgflash_apply.sandbox.server import Options, Sandbox, SandboxError
from tests.support.sandbox import STILL, Answer, Client, a_body, running


def control(client: Client, method_and_path: str, body: object = None) -> Answer:
    """Send a control request, without a key."""
    method, path = method_and_path.split(" ")
    return Client(client.url).send(method, f"/_sandbox{path}", body)


def test_world_counts_creates_by_payload() -> None:
    """The world shows every campaign, and how often each payload was created."""
    with running() as (_, client):
        for name in ("once", "twice", "twice"):
            client.post("/campaigns", a_body(name=name))
        answer = control(client, "GET /world")
    assert [answer.at(f"data.creates.{n}.count") for n in (0, 1)] == [1, 2]
    assert answer.at("data.creates.1.payload") == a_body(name="twice")
    assert answer.at("data.campaigns.2.payload") == a_body(name="twice")
    assert answer.at("data.requests.0") == {"method": "POST", "path": "/api/v1/campaigns", "status": 201}


def test_clock_moves_over_http() -> None:
    """The clock advances by seconds or to an instant ahead; back it does not go."""
    with running() as (_, client):
        by = control(client, "POST /clock", {"advance": 60})
        to = control(client, "POST /clock", {"to": "2027-03-01T13:00:00Z"})
        back = control(client, "POST /clock", {"to": "2027-03-01T12:00:00Z"})
    assert (by.at("data.now"), to.at("data.now")) == ("2027-03-01T12:01:00.000Z", "2027-03-01T13:00:00.000Z")
    assert back.status == 400


def test_faults_over_http() -> None:
    """Faults are armed, listed and cleared as text; a bad text is refused with what is wrong."""
    with running() as (_, client):
        armed = control(client, "POST /faults", {"fault": "GET * 503 times=2"})
        broken = client.get("/instances")
        cleared = control(client, "DELETE /faults")
        bad = control(client, "POST /faults", {"fault": "GET * explode"})
        whole = client.get("/instances")
    assert armed.at("data.0.status") == broken.status == 503
    assert (cleared.at("data"), whole.status) == ([], 200)
    assert "not a kind of fault" in str(bad.at("error.details.0.message"))


def test_account_and_instances_over_http() -> None:
    """Plan, quotas and the connection of a number can be changed while it runs."""
    with running() as (_, client):
        control(client, "POST /account", {"campaigns": False, "monthly_outbound": 5})
        control(client, f"POST /instances/{BOUTIQUE_ID}", {"status": "disconnected"})
        usage, instance = client.get("/usage"), client.get(f"/instances/{BOUTIQUE_ID}")
        wrong = control(client, "POST /account", {"campaigns": "no", "monthly_outbound": -1})
    assert (usage.at("data.features.campaigns"), usage.at("data.limits.monthlyOutboundQuota")) == (False, 5)
    assert instance.at("data.status") == "disconnected"
    assert wrong.status == 400


@pytest.mark.parametrize(("action", "status"), [("cancel", "cancelled"), ("fail", "failed")])
def test_console_actions_over_http(action: str, status: str) -> None:
    """What only the console can do to a campaign can be done here (5.8)."""
    with running() as (_, client):
        identity = client.post("/campaigns", a_body()).at("data.id")
        control(client, f"POST /campaigns/{identity}/{action}")
        ended = client.get(f"/campaigns/{identity}").at("data.status")
        control(client, f"POST /campaigns/{identity}/delete")
        gone = client.get(f"/campaigns/{identity}").status
    assert (ended, gone) == (status, 404)


def test_reset_begins_again() -> None:
    """After a reset there are no campaigns, no faults and no requests, and the demo account is whole."""
    with running() as (sandbox, client):
        client.post("/campaigns", a_body())
        sandbox.world.contacts.clear()
        sandbox.add_fault("* * 500 times=*")
        control(client, "POST /reset")
        assert (sandbox.campaigns(), sandbox.requests, len(sandbox.world.contacts)) == ([], [], 120)
        assert client.get("/instances").status == 200


@pytest.mark.parametrize("route", ["GET /nothing", "POST /campaigns/x/cancel", "DELETE /world"])
def test_unknown_control_is_404(route: str) -> None:
    """Anything else on the control path is 404."""
    with running() as (_, client):
        assert control(client, route).status == 404


def test_assumptions_name_their_section() -> None:
    """Every assumption begins with its section of the reference, and all are served."""
    with running() as (_, client):
        answer = control(client, "GET /assumptions")
    assert answer.at("data") == list(ASSUMPTIONS)
    assert all(line.startswith("10.") for line in ASSUMPTIONS)


def test_remembers_across_restarts(tmp_path: Path) -> None:
    """With a data file a restarted sandbox knows its campaigns, and its time does not go back."""
    options = replace(STILL, data=tmp_path / "world.json")
    with running(options) as (sandbox, client):
        identity = client.post("/campaigns", a_body()).at("data.id")
        before = sandbox.advance(3600 + 10)
    with running(options) as (sandbox, client):
        answer = client.get(f"/campaigns/{identity}")
        assert sandbox.now() == before
    assert (answer.at("data.status"), answer.at("data.stats.sent")) == ("running", 10)


def test_each_change_is_on_disk_at_once(tmp_path: Path) -> None:
    """A create is in the file before it is answered, so that a killed sandbox remembers it too."""
    path = tmp_path / "world.json"
    with running(replace(STILL, data=path)) as (_, client):
        identity = str(client.post("/campaigns", a_body()).at("data.id"))
        assert identity in path.read_text(encoding="utf-8")
    assert [file.name for file in tmp_path.iterdir()] == ["world.json"]


def test_damaged_data_is_refused(tmp_path: Path) -> None:
    """A data file that cannot be read is named, not replaced."""
    path = tmp_path / "world.json"
    path.write_text("{", encoding="utf-8")
    with pytest.raises(SandboxError, match=r"world\.json"):
        Sandbox(Options(data=path))
    assert path.read_text(encoding="utf-8") == "{"


def test_taken_port_is_reported() -> None:
    """A port that is taken is an error that names it."""
    with running() as (sandbox, _):
        port = int(sandbox.url.rpartition(":")[2])
        with pytest.raises(SandboxError, match=f"cannot listen on 127.0.0.1:{port}"):
            Sandbox(Options(port=port)).start()


def give_up(client: Client) -> None:
    """Ask, and expect no answer."""
    with pytest.raises((OSError, HTTPException)):
        client.get("/instances")


def test_nothing_is_left_running() -> None:
    """After the block no thread is left, even with a stalled request, and the port is closed."""
    before = threading.active_count()
    with running() as (sandbox, client):
        sandbox.add_fault("GET * stall")
        waiting = threading.Thread(target=give_up, args=(client,))
        waiting.start()
        while not sandbox.requests:
            sleep(0.01)
    waiting.join()
    assert threading.active_count() == before
    with pytest.raises(ConnectionRefusedError):
        client.get("/instances")


def test_unstarted_sandbox_has_no_url() -> None:
    """Asking for the URL too early says so; stopping what never started does nothing."""
    sandbox = Sandbox()
    sandbox.stop()
    with pytest.raises(SandboxError, match="has not been started"):
        _ = sandbox.url


@pytest.mark.parametrize(("host", "shown"), [("localhost", "127.0.0.1"), ("127.0.0.2", "127.0.0.2")])
def test_hosts_on_loopback(host: str, shown: str) -> None:
    """The name localhost and every loopback address can be listened on."""
    with running(replace(STILL, host=host)) as (sandbox, client):
        assert sandbox.url.startswith(f"http://{shown}:")
        assert client.get("/instances").status == 200


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_serve_until_a_signal(how: signal.Signals) -> None:
    """`serve` reports its URL, and ends quietly on SIGINT and SIGTERM."""
    program = "from msgflash_apply.sandbox.server import *; serve(Options(), lambda url: print(url, flush=True))"
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline()
        process.send_signal(how)
        try:
            _, complaints = process.communicate(timeout=10)
        finally:
            process.kill()  # so that one which does not end fails this test, and does not hang
    assert url.startswith("http://127.0.0.1:")
    assert (process.returncode, complaints) == (0, "")


def test_missing_aiohttp_is_explained() -> None:
    """Without aiohttp the error names the extra to install, and importing the sandbox still works."""
    program = (
        "import sys; sys.modules['aiohttp'] = None\n"
        "from msgflash_apply.sandbox.server import *\n"
        "try: Sandbox().start()\n"
        "except SandboxError as error: print(error)"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout == "The sandbox needs aiohttp, which is not installed:\npip install 'msgflash-apply[sandbox]'\n"
