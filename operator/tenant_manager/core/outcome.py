"""How a pass ended: what it did, when to look again, or the reason that stopped it."""

from dataclasses import dataclass

from tenant_manager.api.limits import Limits
from tenant_manager.api.tenant import AppliedPlan
from tenant_manager.core.credentials import SetVerifier
from tenant_manager.core.login import MakeLogin
from tenant_manager.core.retention import Restore
from tenant_manager.core.stopped import Stopped
from tenant_manager.core.tenant import CreateTenant, Step


@dataclass(frozen=True, slots=True)
class Outcome:
    """One pass of one Tenant.

    `stopped` beside `steps` means that the rest could be done: a domain that is taken does not keep a login open.
    """

    generation: int
    identifier: str | None = None
    steps: tuple[Step, ...] = ()
    again: float | None = None  # seconds
    stopped: Stopped | None = None
    plan: AppliedPlan | None = None  # the one applied
    plan_found: bool | None = None  # None: not known
    limits: Limits | None = None  # in force
    suspended: bool = False
    secret: str | None = None  # name of the connection Secret, once it is written
    secret_repaired: bool = False
    password_kept: bool = False  # it is the one that the Secret held before
    drifted: bool = False  # the steps repair what somebody else did; nothing that users wrote has changed

    @property
    def waiting(self) -> bool:
        """Whether time alone may bring the rest."""
        return self.again is not None if self.stopped is None else self.stopped.reason.waits

    @property
    def created(self) -> bool:
        """Whether this pass made the tenant."""
        return any(isinstance(step, CreateTenant) for step in self.steps)

    @property
    def restored(self) -> bool:
        """Whether this pass gave retained data back."""
        return any(isinstance(step, Restore) for step in self.steps)

    @property
    def new_password(self) -> bool:
        """Whether this pass gave a login that was there before another password than applications know."""
        kinds = {type(step) for step in self.steps}
        return SetVerifier in kinds or (MakeLogin in kinds and not self.password_kept)
