"""What a plan asks MsgFlash about besides campaigns: each thing once per process, side by side, and only if needed."""

import asyncio
from collections.abc import Iterable, Mapping

from msgflash_apply.api.client import Client
from msgflash_apply.api.wire import Contact, Group, Health, Instance, Template, Usage
from msgflash_apply.engine.names import TEMPLATE, NameTable, table_of_server
from msgflash_apply.errors import NotOnThisPlan


class Lookups:
    """
    Answers that do not change while one plan is made and applied, kept once they were asked for.

    Source: contract section 7, "Reads": instances are one request, templates one per page, groups one per distinct
    group, usage one.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._instances: tuple[Instance, ...] | None = None
        self._templates: tuple[Template, ...] | None = None
        self._variables: dict[str, tuple[str, ...]] = {}
        self._groups: dict[str, Group | None] = {}
        self._contacts_total: int | None = None
        self._contacts: tuple[Contact, ...] | None = None
        self._health: dict[str, Health | None] = {}

    async def instances(self) -> tuple[Instance, ...]:
        """List the account's instances."""
        if self._instances is None:
            self._instances = await self._client.instances()
        return self._instances

    async def templates(self) -> tuple[Template, ...]:
        """List the account's templates."""
        if self._templates is None:
            self._templates = await self._client.templates()
        return self._templates

    async def table(self, fields: Iterable[str]) -> NameTable:
        """Ask for what these payload fields' names need: instances for `instanceId`, templates for `templateId`."""
        wanted = set(fields)
        instances, templates = await asyncio.gather(
            self.instances() if wanted - {TEMPLATE} else _nothing(),
            self.templates() if TEMPLATE in wanted else _nothing(),
        )
        return table_of_server(instances, templates)

    async def template_variables(self, identifiers: Iterable[str]) -> Mapping[str, tuple[str, ...] | None]:
        """
        Learn the placeholders of some templates.

        Returns:
            Dotted paths (`custom.code`) by template id; None for a template that does not exist.
        """
        listed = {template.id: template for template in await self.templates()}
        return {identifier: await self._variables_of(listed.get(identifier)) for identifier in identifiers}

    async def groups(self, identifiers: Iterable[str]) -> Mapping[str, Group | None]:
        """Read some groups; None for one that does not exist."""
        wanted = [identifier for identifier in dict.fromkeys(identifiers) if identifier not in self._groups]
        if wanted:
            found = await asyncio.gather(*(self._client.group(identifier) for identifier in wanted))
            self._groups |= dict(zip(wanted, found, strict=True))
        return self._groups

    async def contacts_total(self) -> int | None:
        """Count the account's contacts; None where MsgFlash does not say."""
        if self._contacts_total is None:
            self._contacts_total = await self._client.contacts_total()
        return self._contacts_total

    async def contacts(self) -> tuple[Contact, ...]:
        """List the account's contacts; one request per hundred of them, so only where somebody asked for it."""
        if self._contacts is None:
            self._contacts = await self._client.contacts()
        return self._contacts

    async def warm_up_limits(self, instance_ids: Iterable[str]) -> Mapping[str, int | None]:
        """Read how many recipients each instance should have in one campaign; None where MsgFlash does not say."""
        wanted = [identifier for identifier in dict.fromkeys(instance_ids) if identifier not in self._health]
        if wanted:
            found = await asyncio.gather(*(_health_of(self._client, identifier) for identifier in wanted))
            self._health |= dict(zip(wanted, found, strict=True))
        return {
            i: health.warmup_policy.max_campaign_recipients if health else None for i, health in self._health.items()
        }

    async def usage(self) -> Usage | None:
        """Read the month so far; asked anew each time, because this very process uses it up. None for team keys."""
        return await self._client.usage()

    async def _variables_of(self, template: Template | None) -> tuple[str, ...] | None:
        if template is None:
            return None
        if template.id not in self._variables:
            # Examples of the list are abridged (reference 4); only then is each template read by itself.
            whole = template if template.variables is not None else await self._client.template(template.id)
            self._variables[template.id] = (whole.variables if whole else None) or ()
        return self._variables[template.id]


async def _health_of(client: Client, instance_id: str) -> Health | None:
    try:
        return await client.health(instance_id)
    except NotOnThisPlan:  # advice is not worth an error
        return None


async def _nothing() -> tuple[()]:
    return ()
