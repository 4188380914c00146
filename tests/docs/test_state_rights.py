"""The rights that docs/state.md gives: enough for what they are for, nothing that is not used, and no other place."""

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

import pytest
from moto.iam.access_control import IAMPolicy, PermissionResult

from msgflash_apply.errors import BackendError
from msgflash_apply.state.backends.base import Backend
from msgflash_apply.state.backends.postgres.schema import grant_sql, schema_sql
from msgflash_apply.state.ledger import init_state, read_state
from tests.support.buckets import a_bucket
from tests.support.relay import Asked, Relay
from tests.support.states import ENVIRONMENT, LINEAGE, a_holder, a_run, created, intended
from tests.support.stores import Place, Stores
from tests.support.stores.azure import ACCOUNT, CONTAINER
from tests.support.stores.gcs_server import Request
from tests.support.stores.postgres import PostgresServer
from tests.support.stores.program import call
from tests.support.walk import ROOT, blocks

PAGE = (ROOT / "docs/state.md").read_text(encoding="utf-8")
JSON = [json.loads(block.text) for block in blocks(PAGE) if block.language == "json"]
APPLY, PLAN = (found for found in JSON if "Statement" in found)
ROLE = next(found for found in JSON if "DataActions" in found)
LIFECYCLE = next(found for found in JSON if "Rules" in found)
MAKE_ROLES, GRANT_APPLY, GRANT_PLAN = (block.text for block in blocks(PAGE) if block.language == "sql")
BUCKET = "acme-campaigns"
BLOBS = "Microsoft.Storage/storageAccounts/blobServices/containers/blobs"

Right: TypeAlias = tuple[str, str]
"""An action and the resource that it is done to, in AWS's words."""

Clients: TypeAlias = Callable[[object, str], tuple[Relay, Callable[[], Backend]]]
"""From a policy and a folder to what looks at the requests, and clients of the state there."""


def rights_on_s3(asked: Asked) -> set[Right]:
    """Tell what a request takes. Source: AWS's table of the permissions of S3's operations."""
    bucket, _, key = asked.path.lstrip("/").partition("/")
    resource = f"arn:aws:s3:::{bucket}"
    match asked.method, key:
        case "GET", "":
            return {("s3:ListBucket", resource)}
        case "POST", "" if "delete" in asked.query:
            keys = re.findall(r"<Key>([^<]+)</Key>", asked.body.decode())
            return {("s3:DeleteObject", f"{resource}/{each}") for each in keys}
        case method, _:
            action = {"GET": "s3:GetObject", "PUT": "s3:PutObject", "DELETE": "s3:DeleteObject"}[method]
            return {(action, f"{resource}/{key}")}


def allowed_by(policy: object) -> Callable[[Asked], bool]:
    """Judge requests by a policy, as moto understands one."""
    judge = IAMPolicy(json.dumps(policy))

    def allows(asked: Asked) -> bool:
        rights = rights_on_s3(asked)
        return all(judge.is_action_permitted(*right) is PermissionResult.PERMITTED for right in rights)

    return allows


def live_through(backend: Callable[[], Backend]) -> None:
    """Do to a state all that commands do: make, read, lock, append, commit, fold in, break a lock, back up."""
    init_state(backend(), environment=ENVIRONMENT, lineage=LINEAGE)
    for number in range(3):
        with a_run(backend(), f"run-{number}") as ledger:
            ledger.append(intended(f"c{number}", run=f"run-{number}"))
            ledger.append(created(f"c{number}"))
    assert len(read_state(backend(), environment=ENVIRONMENT).campaigns) == 3
    backend().lock(a_holder("run-4"))
    backend().break_lock("run-4")
    for former in backend().backups():
        assert backend().read_backup(former.name)


@pytest.fixture
def bucket(tmp_path: Path, stores: Stores) -> Iterator[Clients]:
    """Give clients of a folder in the page's bucket that a policy holds in check."""
    server = stores.server("s3-moto")
    assert call("PUT", f"http://127.0.0.1:{server.port}/{BUCKET}")[0] in {200, 409}
    with ExitStack() as relays:

        def a_client(policy: object, folder: str) -> tuple[Relay, Callable[[], Backend]]:
            relay = relays.enter_context(Relay(server.port, allowed_by(policy)))
            place = server.place(tmp_path, port=relay.server_port)
            return relay, replace(place, url=f"s3://{BUCKET}/{folder}/{tmp_path.name}").client

        yield a_client


@pytest.mark.needs("moto_server")
def test_policy_of_an_apply_is_just_enough(bucket: Clients) -> None:
    """With the policy a state is made, applied to and repaired, and each of its actions is used."""
    relay, client = bucket(APPLY, "production")

    live_through(client)

    used = {action for asked in relay.seen for action, _ in rights_on_s3(asked)}
    given = [statement["Action"] for statement in APPLY["Statement"]]
    assert used == {given[0], *given[1]}


@pytest.mark.needs("moto_server")
def test_policy_of_a_plan_is_just_enough(bucket: Clients) -> None:
    """With the policy a state is read in whatever way, and nothing can be written; each of its actions is used."""
    _, writer = bucket(APPLY, "production")
    live_through(writer)
    relay, client = bucket(PLAN, "production")

    assert len(read_state(client(), environment=ENVIRONMENT).campaigns) == 3
    assert client().holder() is None
    assert [client().read_backup(former.name) is None for former in client().backups()] == [False]
    assert {action for asked in relay.seen for action, _ in rights_on_s3(asked)} == {"s3:ListBucket", "s3:GetObject"}
    with pytest.raises(BackendError, match="403 AccessDenied"):
        client().lock(a_holder())


@pytest.mark.needs("moto_server")
@pytest.mark.parametrize("policy", [APPLY, PLAN], ids=["apply", "plan"])
def test_policy_ends_at_its_state(bucket: Clients, policy: object) -> None:
    """The state of another environment in the same bucket is out of reach, and that is no empty state."""
    _, client = bucket(policy, "staging")

    for step in (client().read, lambda: client().write(b"{}", expected=None)):
        with pytest.raises(BackendError, match="403 AccessDenied"):
            step()


def test_lifecycle_leaves_present_versions_alone() -> None:
    """The bucket's rule removes former versions and their markers, and never what is there."""
    (rule,) = LIFECYCLE["Rules"]

    assert rule["Expiration"] == {"ExpiredObjectDeleteMarker": True}
    assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] >= 30


def rights_on_gcs(request: Request) -> set[str]:
    """Tell what a request takes. Source: Google's table of permissions for the XML API."""
    match request:
        case Request("GET", ""):
            return {"list"}
        case Request("GET"):
            return {"get"}
        case Request("PUT", generation="0"):
            return {"create"}
        case Request("PUT"):
            return {"create", "delete"}
        case _:
            return {"delete"}


def test_permissions_on_google_are_those_used(tmp_path: Path) -> None:
    """A state's whole life takes the permissions that the page names, and a reading those of a plan."""
    with a_bucket(tmp_path) as bucket:
        live_through(bucket.client)
        whole = {right for request in bucket.server.seen for right in rights_on_gcs(request)}
        bucket.server.seen.clear()
        read_state(bucket.client(), environment=ENVIRONMENT)
        reading = {right for request in bucket.server.seen for right in rights_on_gcs(request)}

    told = PAGE.partition("**Who applies** needs four permissions:")[2].partition("The objects'")[0]
    applies, _, plans = told.partition("**Who only plans**")
    assert whole == set(re.findall(r"storage\.objects\.(\w+)", applies))
    assert reading == set(re.findall(r"storage\.objects\.(\w+)", plans))


def rights_on_azure(asked: Asked) -> str:
    """Tell what a request takes. Source: Azure's table of permissions for calls of blob data operations."""
    if asked.query.get("comp") == "batch" or asked.method == "DELETE":
        return f"{BLOBS}/delete"
    return f"{BLOBS}/write" if asked.method == "PUT" else f"{BLOBS}/read"


@pytest.mark.needs("azurite-blob")
def test_role_on_azure_is_just_enough(tmp_path: Path, stores: Stores) -> None:
    """A state's whole life takes the data actions of the page's role, all of them in its container."""
    server = stores.server("azure")
    with Relay(server.port) as relay:
        live_through(server.place(tmp_path, port=relay.server_port).client)

        assert {rights_on_azure(asked) for asked in relay.seen} == set(ROLE["DataActions"])
        assert {tuple(asked.path.split("/")[1:3]) for asked in relay.seen} == {(ACCOUNT, CONTAINER)}


@pytest.fixture
def database(stores: Stores) -> Iterator[PostgresServer]:
    """Give a server with the page's database in it, and take it away again."""
    server = stores.server("postgres")
    assert isinstance(server, PostgresServer)
    server.run_sql("CREATE DATABASE campaigns")
    yield server
    server.run_sql("DROP DATABASE campaigns WITH (FORCE)")
    for role in ("campaigns_apply", "campaigns_plan"):
        server.run_sql(f"DROP ROLE IF EXISTS {role}")


def tables_as_the_page_makes_them() -> str:
    """Run the page's own line, as far as the pipe."""
    (line,) = re.findall(r"^ +python -c '(.*)' \| psql campaigns$", PAGE, re.MULTILINE)
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=True)
    return done.stdout


@pytest.mark.needs("postgres")
def test_roles_of_the_database_are_just_enough(database: PostgresServer, tmp_path: Path) -> None:
    """With the page's SQL one role lives a state's whole life, and the other reads it and changes nothing."""
    for script in (MAKE_ROLES, tables_as_the_page_makes_them(), GRANT_APPLY, GRANT_PLAN):
        database.run_sql(script, database="campaigns")
    url = f"postgresql://campaigns_apply@127.0.0.1:{database.port}/campaigns/production"
    applies = Place(url, tmp_path)
    plans = Place(url.replace("campaigns_apply@", "campaigns_plan@"), tmp_path)

    live_through(applies.client)

    assert len(read_state(plans.client(), environment=ENVIRONMENT).campaigns) == 3
    with pytest.raises(BackendError, match="denies permission"):
        plans.client().lock(a_holder())


def test_rights_are_those_that_the_program_knows() -> None:
    """The page's grants and tables are the published ones, to the letter."""
    assert grant_sql("msgflash_apply", "campaigns_apply", may_write=True) == GRANT_APPLY
    assert grant_sql("msgflash_apply", "campaigns_plan", may_write=False) == GRANT_PLAN
    assert tables_as_the_page_makes_them().rstrip("\n") == schema_sql("msgflash_apply").rstrip("\n")
