"""What every operation needs of its caller; one that is not listed cannot be served."""

from collections.abc import Mapping
from enum import Enum, auto
from typing import Final, NamedTuple

from app.access.principal import Role


class Reach(Enum):
    """Of what the role is needed."""

    OPEN = auto()
    """Of nothing: anybody may call."""
    OBJECT = auto()
    """Of the object, which is judged where it is read: ``app.access.checks``."""
    LIST = auto()
    """Of what is listed, which leaves out the rest; every caller with a credential may ask."""
    EVERYWHERE = auto()
    """Of every namespace and every definition."""


class Permission(NamedTuple):
    """What a caller needs."""

    reach: Reach
    role: Role = Role.READ


OPEN: Final = Permission(Reach.OPEN)
LIST: Final = Permission(Reach.LIST)

PERMISSIONS: Final[Mapping[str, Permission]] = {
    "healthCheck": OPEN,
    "/_health": OPEN,
    "readinessCheck": OPEN,
    "/docs": OPEN,
    "/docs/assets": OPEN,
    "/openapi.json": OPEN,
    # Labels of metrics tell of all namespaces; a key for Prometheus has the role read everywhere.
    "getMetrics": Permission(Reach.EVERYWHERE),
    "getQuotas": LIST,
    "getWorkflowDefinitions": LIST,
    "newWorkflowDefinition": Permission(Reach.OBJECT, Role.AUTHOR),
    "getWorkflowDefinitionVersionsByName": Permission(Reach.OBJECT),
    "updateWorkflowDefinition": Permission(Reach.OBJECT, Role.AUTHOR),
    "getWorkflowDefinitionByNameAndVersion": Permission(Reach.OBJECT),
    "startWorkflow": Permission(Reach.OBJECT, Role.SUBMIT),
    "getWorkflows": LIST,
    "getWorkflowCounts": LIST,
    "getWorkflowByID": Permission(Reach.OBJECT),
    "followWorkflow": Permission(Reach.OBJECT),
    "getJob": Permission(Reach.OBJECT),
    "CancelWorkflow": Permission(Reach.OBJECT, Role.OPERATE),
    "resumeWorkflowByID": Permission(Reach.OBJECT, Role.OPERATE),
    "recoverWorkflow": Permission(Reach.OBJECT, Role.OPERATE),
    "resolveWorkflowByID": Permission(Reach.OBJECT, Role.OPERATE),
    "postStateResource": Permission(Reach.OBJECT, Role.AUTHOR),
    "getStateResource": Permission(Reach.OBJECT),
    "putStateResource": Permission(Reach.OBJECT, Role.AUTHOR),
    "deleteStateResource": Permission(Reach.OBJECT, Role.AUTHOR),
    "getQueues": LIST,
    "getQueue": LIST,
    "putQueue": Permission(Reach.EVERYWHERE, Role.ADMIN),
    "deleteQueue": Permission(Reach.EVERYWHERE, Role.ADMIN),
    "whoAmI": LIST,
    "getAudit": LIST,
    "getKeys": Permission(Reach.EVERYWHERE, Role.ADMIN),
    "createKey": Permission(Reach.EVERYWHERE, Role.ADMIN),
    "revokeKey": Permission(Reach.EVERYWHERE, Role.ADMIN),
    "rotateKey": Permission(Reach.EVERYWHERE, Role.ADMIN),
}
"""By operation id, or by path for what the OpenAPI document leaves out."""
