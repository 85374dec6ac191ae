"""Every metric, its help and labels. None has a label for each tenant but `tenant_resource_usage`."""

from collections.abc import Iterable, Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from tenant_manager import __version__
from tenant_manager.core.identity import RETAINED
from tenant_manager.core.report import Notice
from tenant_manager.core.tenant import Observed

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each counter, which nobody reads

PASS_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
READY_BUCKETS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300)
CALL_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5)


class Metrics:
    """The operator's metrics, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.reconciles = Counter(
            "tenancy_reconcile_total",
            "Passes by kind and result: unchanged, changed, waiting, stalled, retry or error.",
            ["kind", "result"],
            registry=registry,
        )
        self.duration = Histogram(
            "tenancy_reconcile_duration_seconds", "Length of a pass.", ["kind"], buckets=PASS_BUCKETS, registry=registry
        )
        self.steps = Counter("tenancy_steps_total", "Steps carried out, by name.", ["step"], registry=registry)
        self.drift = Counter(
            "tenancy_drift_repaired_total",
            "What somebody changed behind the operator's back, by the step that set it right, or Secret.",
            ["step"],
            registry=registry,
        )
        self.events = Counter(
            "tenancy_events_total", "Events about deletions, by reason.", ["reason"], registry=registry
        )
        self.depth = Gauge("tenancy_queue_depth", "Keys that wait, by lane.", ["lane"], registry=registry)
        self.age = Gauge("tenancy_queue_oldest_seconds", "How long the oldest key has waited.", registry=registry)
        self.database_up = Gauge(
            "tenancy_database_up", "Whether the operator can work on the database.", ["database"], registry=registry
        )
        self.fenced = Gauge(
            "tenancy_fenced", "1: another operator has the lead, this one writes nothing more.", registry=registry
        )
        self.tenants = Gauge(
            "tenancy_tenants",
            "Tenants by plan and state: ready, reconciling or stalled.",
            ["plan", "state"],
            registry=registry,
        )
        self.retained = Gauge("tenancy_retained_tenants", "Tenants whose data was set aside.", registry=registry)
        self.abandoned = Gauge("tenancy_abandoned_tenants", "Active tenants without an object.", registry=registry)
        self.leftovers = Gauge("tenancy_leftover_roles", "Roles that could not be dropped yet.", registry=registry)
        self.ready = Histogram(
            "tenancy_tenant_ready_seconds", "From creation to Ready.", buckets=READY_BUCKETS, registry=registry
        )
        self.policy = Gauge(
            "tenancy_admission_policy_in_force",
            "Whether the policy on the operator's Secret writes holds.",
            registry=registry,
        )
        self.created = Counter("tenants_created", "Tenants that were made.", registry=registry)
        self.active = Gauge("tenants_active", "Tenants whose login is open.", registry=registry)
        self.usage = Gauge(
            "tenant_resource_usage",
            "Use of a resource as the catalog has it, summed over all tenants.",
            ["resource"],
            registry=registry,
        )
        self.query = Histogram(
            "tenant_query_duration_seconds",
            "The operator's own kernel calls.",
            ["function"],
            buckets=CALL_BUCKETS,
            registry=registry,
        )
        Gauge("tenancy_build_info", "1, with the version.", ["version"], registry=registry).labels(__version__).set(1)

    def passed(self, kind: str, result: str, steps: Iterable[str], seconds: float) -> None:
        """Count one pass."""
        self.reconciles.labels(kind, result).inc()
        self.duration.labels(kind).observe(seconds)
        for step in steps:
            self.steps.labels(step).inc()

    def repaired(self, steps: Iterable[str]) -> None:
        """Count drift."""
        for step in steps:
            self.drift.labels(step).inc()

    def called(self, function: str, seconds: float) -> None:
        """Time one kernel call."""
        self.query.labels(function).observe(seconds)

    def made(self, seconds: float | None) -> None:
        """Count a new tenant; `seconds` from its creation to Ready, if it is."""
        self.created.inc()
        if seconds is not None:
            self.ready.observe(seconds)

    def count(self, notices: Iterable[Notice]) -> None:
        """Count Events."""
        for notice in notices:
            self.events.labels(notice.reason).inc()

    def count_tenants(self, tenants: Mapping[tuple[str, str], int]) -> None:
        """Tenants by (plan, state); what is not named any more disappears."""
        self.tenants.clear()
        for (plan, state), number in tenants.items():
            self.tenants.labels(plan, state).set(number)

    def scanned(self, held: Mapping[str, Observed], leftovers: int, used: Mapping[str, float]) -> None:
        """What a scan saw."""
        registrations = [observed.registration for observed in held.values()]
        self.retained.set(sum(item.state == RETAINED for item in registrations))
        self.abandoned.set(sum(item.abandoned for item in registrations))
        self.active.set(sum(one.login is not None and one.login.open for one in held.values()))
        self.leftovers.set(leftovers)
        self.usage.clear()
        for resource, amount in used.items():
            self.usage.labels(resource).set(amount)

    def text(self) -> bytes:
        """All metrics in Prometheus' text form."""
        return generate_latest(self.registry)
