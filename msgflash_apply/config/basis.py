"""
All that the campaigns of a file depend on besides its name and bytes, and time zones: program, libraries, settings.

What was worked out on another basis is not used. The clock is no part of it: what is too late is decided by the plan.
"""

import json
from hashlib import sha256

from msgflash_apply.config.settings import Settings
from msgflash_apply.config.stamp import program_stamp


def basis_of(settings: Settings, program: str | None = None) -> str:
    """
    Digest what holds for every file of a run; nothing of it can be read from the digest.

    Args:
        settings: of the run.
        program: which program this is; None for `program_stamp`, which holds on this machine.
    """
    said = [
        program or program_stamp(),
        settings.campaigns,
        settings.instance,
        settings.timezone,
        settings.custom_below,
        settings.custom_above,
        settings.policy.placeholders_in_direct,
    ]
    return sha256(json.dumps(said).encode()).hexdigest()
