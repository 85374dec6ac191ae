"""Tenants of a cluster or a namespace that was made again: what is said, and who takes the row back."""

from dataclasses import replace

import pytest

from tenant_manager.api import reasons
from tenant_manager.api.plan import PlanSpec
from tenant_manager.api.tenant import PlanRef, TenantSpec
from tenant_manager.core import tenant
from tenant_manager.core.identity import Owner, Registration, claim
from tenant_manager.core.plan import Plan
from tenant_manager.core.retention import Restore
from tenant_manager.core.stopped import Stopped
from tenant_manager.core.tenant import Observed

OWNER = Owner("production", "customers", "uid-1", "acme")


def test_who_was_made_again_is_told_of_rebind() -> None:
    with pytest.raises(Stopped) as stopped:
        claim("acme", replace(OWNER, namespace_uid="uid-2"), Registration(OWNER))
    assert stopped.value.reason is reasons.IDENTIFIER_TAKEN
    assert "tenant-manager rebind --from-cluster production" in stopped.value.message


def test_who_was_rebound_takes_its_row_though_it_had_it_all_the_time() -> None:
    wanted = tenant.desired("acme", OWNER, TenantSpec(plan_ref=PlanRef(name="gold")), Plan("gold", "u", 1, PlanSpec()))
    rebound = Registration(OWNER, released_to="customers/acme")
    for row, takes in ((rebound, True), (replace(rebound, released_to=None), False)):
        observed = Observed(row, login=None, schema=None, catalog=None, verifier=None)
        steps = tenant.diff(wanted, observed, password_stands=True).steps
        assert (Restore("acme", OWNER) in steps) is takes
