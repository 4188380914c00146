"""
What many tests begin with: a repo and the account behind it, brought there once by the real command and then copied.

A scene is a function that takes a new repo and runs commands in it. The first test of a process that begins with it
runs it; the others, and it too, get copies of the files and of the campaigns, and may do with them what they like.
"""

import shutil
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import TypeAlias
from urllib.parse import urlsplit

import pytest

from msgflash_apply.sandbox.server import Sandbox
from msgflash_apply.sandbox.values import Campaign
from tests.support.command import FAST, Repo, a_repo

Scene: TypeAlias = Callable[[Repo], object]


@dataclass(frozen=True)
class _Arranged:
    """
    Where a scene led.

    Attributes:
        repo: that only copies are made of; its server is gone.
        campaigns: of the account, by id.
    """

    repo: Repo
    campaigns: Mapping[str, Campaign]


class Scenes:
    """The scenes of a test session, each arranged when a test first begins with it."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self._folders = folders
        self._arranged: dict[Scene, _Arranged] = {}

    def begin(self, scene: Scene, repo: Repo) -> Repo:
        """
        Bring a new repo to where a scene leads.

        Its account has the scene's campaigns as they were then: it has seen none of the requests that made them, and
        they do not start by themselves as time passes. Their states belong to this account: it has the address of the
        one that they were made with (`reserved_port`).
        """
        if scene not in self._arranged:
            with repo.sandbox.unreachable():
                self._arranged[scene] = self._arrange(scene, urlsplit(repo.sandbox.url).port or 0)
        arranged = self._arranged[scene]
        shutil.copytree(arranged.repo.folder, repo.folder, symlinks=True, dirs_exist_ok=True)
        repo.environ |= arranged.repo.environ
        repo.sandbox.world.campaigns.update(deepcopy(arranged.campaigns))
        return repo

    def _arrange(self, scene: Scene, port: int) -> _Arranged:
        with Sandbox(replace(FAST, port=port)) as sandbox:
            repo = a_repo(self._folders.mktemp(scene.__name__), sandbox)
            scene(repo)
            return _Arranged(repo, deepcopy(sandbox.world.campaigns))


def sale_sent(repo: Repo) -> None:
    """Create the campaign `sale`."""
    repo.campaign("sale")
    assert repo.apply().code == 0


def two_sent(repo: Repo) -> None:
    """Create two campaigns, `c00` and `c01`."""
    repo.campaigns(2)
    assert repo.apply().code == 0


def sale_in_doubt(repo: Repo) -> None:
    """Send the campaign `sale`, and lose the answer."""
    repo.campaign("sale")
    lose_an_answer(repo)


def tea_in_doubt(repo: Repo) -> None:
    """Create the campaign `sale`, send the campaign `tea`, and lose the answer."""
    sale_sent(repo)
    repo.campaign("tea")
    lose_an_answer(repo)


def lose_an_answer(repo: Repo) -> None:
    """Apply, and lose the first answer to a create."""
    repo.sandbox.add_fault("POST /api/v1/campaigns drop_after")
    assert repo.apply().code == 3
