"""Who a tenant is: its identifier inside PostgreSQL, its owner in Kubernetes, and who may claim what."""

from dataclasses import dataclass

from tenant_manager.api import reasons
from tenant_manager.core.stopped import Stopped

ACTIVE, RETAINED = "active", "retained"


@dataclass(frozen=True, slots=True)
class Owner:
    """Who an identifier belongs to. All four parts count: a namespace made again has the same name and another UID."""

    cluster: str
    namespace: str
    namespace_uid: str
    name: str


@dataclass(frozen=True, slots=True)
class Registration:
    """The registry's row of an identifier."""

    owner: Owner
    state: str = ACTIVE
    released_to: str | None = None  # namespace/name that an administrator handed it to
    abandoned: bool = False

    def is_for(self, owner: Owner) -> bool:
        """Whether `owner` may have it: its owner, or whom an administrator released it to."""
        return self.owner == owner or self.released_to == f"{owner.namespace}/{owner.name}"


def claim(identifier: str, owner: Owner, registration: Registration) -> None:
    """Checks that `owner` may have a registered identifier.

    Raises:
        Stopped: IDENTIFIER_TAKEN or RETAINED_DATA_EXISTS. The holder is named only where it lives in the same
            namespace: names of other namespaces are not everyone's.
    """
    if registration.is_for(owner):
        return
    if registration.state == RETAINED:
        raise Stopped(
            reasons.RETAINED_DATA_EXISTS,
            f"Data of a former tenant {identifier} was retained. A database administrator hands it over with: "
            f"tenant-manager release {identifier} --to {owner.namespace}/{owner.name}",
        )
    holder = registration.owner
    if (holder.cluster, holder.namespace, holder.name) == (owner.cluster, owner.namespace, owner.name):
        raise Stopped(
            reasons.IDENTIFIER_TAKEN,
            f"The identifier {identifier} belongs to the Tenant of this name in an earlier namespace "
            f"{owner.namespace}. A database administrator gives it back with: "
            f"tenant-manager rebind --from-cluster {owner.cluster}",
        )
    same_place = (holder.cluster, holder.namespace) == (owner.cluster, owner.namespace)
    who = f"Tenant {holder.name} of this namespace" if same_place else "another Tenant"
    raise Stopped(
        reasons.IDENTIFIER_TAKEN,
        f"The identifier {identifier} belongs to {who}. Set another `spec.identifier`, or delete that Tenant "
        "with deletionPolicy Delete.",
    )
