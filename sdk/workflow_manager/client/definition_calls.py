"""Operations on workflow definitions."""

from collections.abc import Sequence
from typing import Final

import httpx

from workflow_manager import errors, models
from workflow_manager.client.decoding import DEFINITION, DEFINITIONS, DESCRIPTION, VERDICT, decode
from workflow_manager.client.http import Caller
from workflow_manager.client.request_parts import NEXT_PAGE_HEADER, flag, segment

PATH: Final = "/workflow-definitions"
VALIDATE_ONLY: Final = "validateOnly"


class DefinitionCalls(Caller):
    """Lists, reads, stores and validates definitions."""

    async def list_definitions(
        self, *, summary_only: bool = False, limit: int | None = None, page_token: str | None = None
    ) -> list[models.WorkflowDefinition]:
        """List the latest version of every definition, with empty state machines when ``summary_only``.

        ``limit`` is the size of a page, not their number; with ``page_token`` the list begins there.
        """
        params = _page_params(summary_only=summary_only, limit=limit, page_token=page_token)
        return await self._get_all(await self._connection.request("GET", PATH, repeatable=True, params=params))

    async def list_definition_versions(
        self, name: str, *, summary_only: bool = False, limit: int | None = None, page_token: str | None = None
    ) -> list[models.WorkflowDefinition]:
        """List all versions of a definition, newest first; `errors.DefinitionNotFound` when there is none.

        The other arguments are those of ``list_definitions``.
        """
        params = _page_params(summary_only=summary_only, limit=limit, page_token=page_token)
        found = await self._get_versions(name, latest=False, params=[*params, ("order", "desc")])
        return sorted(found, key=lambda definition: definition.version, reverse=True)

    async def get_definition(self, name: str, *, version: int | None = None) -> models.WorkflowDefinition:
        """Get one version of a definition; the latest without ``version``."""
        if version is None:
            latest = await self._get_versions(name, latest=True)
            if not latest:
                raise errors.DefinitionNotFound
            return latest[0]
        path = f"{PATH}/{segment(name)}/{version}"
        response = await self._connection.request("GET", path, repeatable=True, missing=errors.DefinitionNotFound)
        return decode(response, DEFINITION)

    async def create_definition(self, request: models.NewWorkflowDefinitionRequest) -> models.WorkflowDefinition:
        """Create version 0 of a definition; `errors.Conflict` when the name is taken."""
        return decode(await self._connection.request("POST", PATH, repeatable=False, body=request), DEFINITION)

    async def update_definition(self, request: models.NewWorkflowDefinitionRequest) -> models.WorkflowDefinition:
        """Add the next version of a definition; `errors.Conflict` after a concurrent update."""
        response = await self._connection.request(
            "PUT", f"{PATH}/{segment(request.name)}", repeatable=False, body=request, missing=errors.DefinitionNotFound
        )
        return decode(response, DEFINITION)

    async def validate_definition(
        self, request: models.NewWorkflowDefinitionRequest
    ) -> models.WorkflowDefinitionVerdict:
        """Validate a definition without storing it; return the verdict, which may have warnings.

        Raises `errors.InvalidRequest` with all ``findings`` for an invalid one, and `errors.Unavailable` for an older
        service, which would store the definition.
        """
        description = decode(await self._connection.request("GET", "/openapi.json", repeatable=True), DESCRIPTION)
        if VALIDATE_ONLY not in description.parameters(PATH, "post"):
            raise errors.Unavailable("This service cannot validate a definition without storing it.")
        response = await self._connection.request(
            "POST", PATH, repeatable=True, params=[(VALIDATE_ONLY, flag(True))], body=request
        )
        return decode(response, VERDICT)

    async def _get_versions(
        self, name: str, *, latest: bool, params: Sequence[tuple[str, str]] = ()
    ) -> list[models.WorkflowDefinition]:
        response = await self._connection.request(
            "GET",
            f"{PATH}/{segment(name)}",
            repeatable=True,
            params=[("latest", flag(latest)), *params],
            missing=errors.DefinitionNotFound,
        )
        return await self._get_all(response)

    async def _get_all(self, response: httpx.Response) -> list[models.WorkflowDefinition]:
        """Return the definitions of a page and of all later pages."""
        found = decode(response, DEFINITIONS)
        while path := response.headers.get(NEXT_PAGE_HEADER):
            response = await self._connection.request("GET", path, repeatable=True)
            more = decode(response, DEFINITIONS)
            found = [*found, *more]
        return found


def _page_params(*, summary_only: bool, limit: int | None, page_token: str | None) -> list[tuple[str, str]]:
    params = [("summaryOnly", flag(True))] if summary_only else []
    params += [("limit", str(limit))] if limit is not None else []
    return params + ([("pageToken", page_token)] if page_token is not None else [])
