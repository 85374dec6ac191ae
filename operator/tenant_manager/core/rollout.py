"""How far a Plan has come with its Tenants."""

from tenant_manager.api import conditions, reasons
from tenant_manager.api.conditions import Condition, Flag
from tenant_manager.api.plan import TenantNumbers


def rolled_out(generation: int, tenants: TenantNumbers) -> Condition:
    """RolledOut: whether every Tenant that is not stalled has the Plan's present generation."""
    behind = tenants.total - tenants.current
    flag: Flag = "False" if behind else "True"
    if behind == 0:
        reason, message = reasons.ROLLED_OUT, "Every Tenant of this Plan has its present generation."
    elif behind <= tenants.stalled:
        reason = reasons.TENANTS_STALLED
        message = f"{behind} of {tenants.total} Tenants are stalled and do not have the present generation."
    else:
        reason = reasons.ROLLING_OUT
        message = f"{behind} of {tenants.total} Tenants do not have the present generation yet."
    return Condition(
        type=conditions.ROLLED_OUT, status=flag, reason=reason.name, message=message, observed_generation=generation
    )
