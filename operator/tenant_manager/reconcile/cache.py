"""What the watches and our own writes said last, newest version only; and who waits for what."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from tenant_manager.kube.objects import PLAN, TENANT, Key, KubeObject, parse


class Awaited(NamedTuple):
    """Something that a Tenant waits for: a plan, an identifier or a domain."""

    kind: str
    name: str


@dataclass(slots=True)
class Cache:
    """Tenants and Plans of the cluster. Complete once `listed` is true; before that nothing missing is believed."""

    objects: dict[Key, KubeObject] = field(default_factory=dict)
    listed: bool = False
    plan_uids: dict[Key, str] = field(default_factory=dict)  # which Plan a Tenant got; a status has name and generation
    _of_plan: dict[str, set[Key]] = field(default_factory=lambda: defaultdict(set))
    _waiting: dict[Awaited, set[Key]] = field(default_factory=lambda: defaultdict(set))
    _waits_for: dict[Key, tuple[Awaited, ...]] = field(default_factory=dict)
    _at_hand: dict[Key, KubeObject] = field(default_factory=dict)  # what a write of ours is making of an object

    def seen(self, kind: str, event: str | None, body: Mapping[str, Any]) -> Key | None:
        """Keep what a watch or a list delivered; the key, if there is something to do about it."""
        found = parse(kind, body)
        if event == "DELETED":
            return self._deleted(found)
        return found.key if self.put(found) else None

    def put(self, found: KubeObject) -> bool:
        """Keep an object unless a newer version is known; whether it differs from what was known.

        Our own writes make no work, whether the watch or the answer brings them first.
        """
        known = self.objects.get(found.key)
        if known is not None and known.uid == found.uid and found.resource_version <= known.resource_version:
            return False
        self.objects[found.key] = found
        if found.key.kind == TENANT:
            self._index(known, found)
        at_hand = self._at_hand.get(found.key)
        return (known is None or known.differs(found)) and (at_hand is None or at_hand.differs(found))

    def writing(self, after: KubeObject) -> None:
        """A write of ours is to make this of the object."""
        self._at_hand[after.key] = after

    def put_ours(self, found: KubeObject) -> None:
        """Keep the answer to a write of ours, unless the object is gone or made again meanwhile."""
        self._at_hand.pop(found.key, None)
        known = self.objects.get(found.key)
        if known is not None and known.uid == found.uid:
            self.put(found)

    def drop(self, key: Key) -> None:
        """The object is gone."""
        known = self.objects.pop(key, None)
        if known is not None and key.kind == TENANT:
            self._of_plan[plan_name(known)].discard(key)
        self.plan_uids.pop(key, None)
        self._at_hand.pop(key, None)
        self.stop_waiting(key)

    def tenants(self) -> list[KubeObject]:
        """All Tenants."""
        return [found for key, found in self.objects.items() if key.kind == TENANT]

    def plans(self) -> list[KubeObject]:
        """All Plans."""
        return [found for key, found in self.objects.items() if key.kind == PLAN]

    def tenants_of(self, plan: str) -> list[KubeObject]:
        """The Tenants that name this plan."""
        return [self.objects[key] for key in self._of_plan.get(plan, ())]

    def wait(self, key: Key, *awaited: Awaited) -> None:
        """Note what the Tenant waits for, instead of what was noted before."""
        self.stop_waiting(key)
        self._waits_for[key] = tuple(awaited)
        for one in awaited:
            self._waiting[one].add(key)

    def stop_waiting(self, key: Key) -> None:
        """The Tenant waits for nothing any more."""
        for one in self._waits_for.pop(key, ()):
            self._waiting[one].discard(key)
            if not self._waiting[one]:
                del self._waiting[one]

    def who_waits(self, awaited: Awaited) -> list[Key]:
        """The Tenants that wait for this."""
        return list(self._waiting.get(awaited, ()))

    def everything_awaited(self, kind: str) -> list[str]:
        """All names of this kind that somebody waits for."""
        return [one.name for one in self._waiting if one.kind == kind]

    def _deleted(self, found: KubeObject) -> Key | None:
        known = self.objects.get(found.key)
        if known is not None and known.uid != found.uid:
            return None  # made again since
        self.drop(found.key)
        return found.key

    def _index(self, known: KubeObject | None, found: KubeObject) -> None:
        if known is not None:
            self._of_plan[plan_name(known)].discard(found.key)
        self._of_plan[plan_name(found)].add(found.key)


def plan_name(tenant: KubeObject) -> str:
    """The plan that a Tenant names."""
    return str((tenant.spec.get("planRef") or {}).get("name", ""))
