"""Every reason once, with whether waiting helps and what to do. The troubleshooting page is made from here.

Names are an API promise: alerts and scripts compare them, so they are never reworded.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a condition is as it is."""

    name: str
    waits: bool  # time alone may cure it: Reconciling; else a person must act: Stalled
    advice: str  # what that person does; for what is in order, nothing
    means: str  # what happened, for those who meet the word for the first time


@dataclass(frozen=True, slots=True)
class EventReason:
    """What an Event tells: something was done, or noticed."""

    name: str
    means: str
    warning: bool = False


READY: Final = Reason("Ready", waits=False, means="The login in the connection Secret works.", advice="Nothing to do.")
SUSPENDED: Final = Reason(
    "Suspended",
    waits=False,
    means="The login is closed because `spec.access` is `Suspended`; data and password are kept.",
    advice="To open the login again, whoever may edit the Tenant sets `spec.access: Full`.",
)
PAUSED: Final = Reason(
    "Paused",
    waits=False,
    means="The annotation `tenancy.neostack.io/paused` is `true`: the operator leaves this object as it is.",
    advice="To let the operator go on, whoever may edit the object removes the annotation.",
)
RECONCILING: Final = Reason(
    "Reconciling",
    waits=True,
    means="The operator is at work on this object.",
    advice="Wait; it takes seconds.",
)
PLAN_FOUND: Final = Reason(
    "PlanFound", waits=False, means="The Plan that the Tenant names exists.", advice="Nothing to do."
)
ROLLED_OUT: Final = Reason(
    "RolledOut", waits=False, means="Every Tenant of the Plan has its present generation.", advice="Nothing to do."
)
ROLLING_OUT: Final = Reason(
    "RollingOut",
    waits=True,
    means="The last edit of the Plan has not reached all its Tenants yet.",
    advice="Wait; Tenants that people edit go first.",
)
FINE: Final = (READY, SUSPENDED, PAUSED, RECONCILING, PLAN_FOUND, ROLLED_OUT, ROLLING_OUT)

PLAN_NOT_FOUND: Final = Reason(
    "PlanNotFound",
    waits=True,
    means="There is no Plan of the name in `spec.planRef.name`. A Tenant that had the Plan before keeps what was "
    "applied last and stays Ready.",
    advice="Whoever may write Plans applies one of that name, or whoever may edit the Tenant names another.",
)
IDENTIFIER_TAKEN: Final = Reason(
    "IdentifierTaken",
    waits=False,
    means="Another Tenant has this identifier. Two Tenants of the same name in two namespaces collide unless one sets "
    "`spec.identifier`.",
    advice="Choose another `spec.identifier`, or delete the other Tenant with `deletionPolicy: Delete`.",
)
RETAINED_DATA_EXISTS: Final = Reason(
    "RetainedDataExists",
    waits=False,
    means="Under this identifier lies the data of a deleted Tenant, which belonged to another namespace, another "
    "cluster or another name.",
    advice="Choose another `spec.identifier`, or let a database administrator hand the data over with "
    "`tenant-manager release IDENTIFIER --to NAMESPACE/NAME` or drop it with `tenant-manager purge IDENTIFIER`.",
)
NOT_OWNED: Final = Reason(
    "NotOwned",
    waits=False,
    means="A schema or role of this name exists in PostgreSQL that the operator did not make. It is left alone.",
    advice="Choose another `spec.identifier`, or let a database administrator rename or drop the schema or role.",
)
SECRET_NOT_OWNED: Final = Reason(
    "SecretNotOwned",
    waits=False,
    means="A Secret of the connection Secret's name exists that the operator did not write. It is left alone.",
    advice="Set another `spec.connectionSecret.name`, or let whoever owns the Secret delete it.",
)
DOMAIN_TAKEN: Final = Reason(
    "DomainTaken",
    waits=False,
    means="Another Tenant has the domain in `spec.domain`; the first one keeps it.",
    advice="Set another `spec.domain`, or remove it from the other Tenant.",
)
SETTINGS_TOO_LARGE: Final = Reason(
    "SettingsTooLarge",
    waits=False,
    means="`spec.settings` is larger than 16 KiB as JSON.",
    advice="Whoever may edit the Tenant makes `spec.settings` smaller, for example by keeping files elsewhere.",
)
SECRET_NAME_TOO_LONG: Final = Reason(
    "SecretNameTooLong",
    waits=False,
    means="The Tenant's name is longer than 242 characters, so that no `-connection` fits behind it.",
    advice="Whoever may edit the Tenant sets `spec.connectionSecret.name`.",
)
INVALID_SPEC: Final = Reason(
    "InvalidSpec",
    waits=False,
    means="The object holds a value that this version of the operator does not accept, though it is stored.",
    advice="Whoever may edit the object corrects the field that the message names. If it looks right, apply the CRDs "
    "that belong to this version.",
)
DANGEROUS_ROLE: Final = Reason(
    "DangerousRole",
    waits=False,
    means="The tenant's role was given power that no tenant may have (SUPERUSER, CREATEROLE, CREATEDB, BYPASSRLS or "
    "REPLICATION). It is left alone, since whoever could do that may be stronger than the operator.",
    advice="A database administrator finds out who did it and takes the power away with ALTER ROLE.",
)
REPLACED: Final = Reason(
    "Replaced",
    waits=False,
    means="The tenant's schema or role was replaced by one that the operator did not make. It is left alone.",
    advice="A database administrator renames or drops what stands there now; the operator then makes its own again.",
)
SECRET_REFUSED: Final = Reason(
    "SecretRefused",
    waits=False,
    means="The API server did not let the operator write the connection Secret: its rights or an admission policy are "
    "in the way, or a quota is used up.",
    advice="A cluster administrator applies the operator's RBAC and admission policy as shipped, or changes the policy "
    "or quota that the message names.",
)
DATABASE_COPIED: Final = Reason(
    "DatabaseCopied",
    waits=False,
    means="The database is a copy: its `tenancy` schema was set up in another database. Roles belong to the server, so "
    "working here could harm the tenants of the first.",
    advice="Set DATABASE_URL to the first database. After a move or a restore, a database administrator runs "
    "`tenant-manager bootstrap --moved`.",
)
KERNEL_MISSING: Final = Reason(
    "KernelMissing",
    waits=False,
    means="The database has no `tenancy` schema, or the operator's login has no rights in it: nobody prepared it yet.",
    advice="A database administrator runs `tenant-manager bootstrap`.",
)
KERNEL_OUTDATED: Final = Reason(
    "KernelOutdated",
    waits=False,
    means="The `tenancy` schema in the database does not fit this version of the operator.",
    advice="A database administrator runs `tenant-manager bootstrap` of the operator's version.",
)
LOGIN_REFUSED: Final = Reason(
    "LoginRefused",
    waits=False,
    means="PostgreSQL refuses the operator's own login: a wrong password, a missing role, or no fitting line in "
    "pg_hba.conf.",
    advice="Whoever runs the operator corrects DATABASE_URL; a database administrator makes sure that pg_hba.conf lets "
    "`tenancy_operator` in with scram-sha-256.",
)
DATABASE_UNREACHABLE: Final = Reason(
    "DatabaseUnreachable",
    waits=True,
    means="PostgreSQL cannot be reached, is starting or stopping, has no disk space, or the connection broke.",
    advice="Check that PostgreSQL runs and that the operator's network reaches it. The operator tries again by itself.",
)
DATABASE_READ_ONLY: Final = Reason(
    "DatabaseReadOnly",
    waits=True,
    means="PostgreSQL answers but takes no writes: it is a standby, or set to read-only.",
    advice="Wait for the failover to end, or set DATABASE_URL to the primary. The operator tries again by itself.",
)
DATABASE_BUSY: Final = Reason(
    "DatabaseBusy",
    waits=True,
    means="PostgreSQL could not finish in time: another session holds a lock that the operator needs, or the server is "
    "overloaded.",
    advice="Wait. If it stays, a database administrator looks for long transactions in pg_stat_activity.",
)
TOO_MANY_CONNECTIONS: Final = Reason(
    "TooManyConnections",
    waits=True,
    means="PostgreSQL has no connection left for the operator.",
    advice="Wait. If it stays, a database administrator raises max_connections or gives the plans a limit on "
    "`connections`.",
)
NOT_THE_LEADER: Final = Reason(
    "NotTheLeader",
    waits=True,
    means="Another operator has taken over this database; this one writes nothing more.",
    advice="Whoever runs the operator stops one of the two. The one that was started last has the lead.",
)
DELETION_WAITS: Final = Reason(
    "DeletionWaits",
    waits=True,
    means="The Tenant is deleted, but its database cannot be worked on at present.",
    advice="Wait for the database. To let the object go without touching the database, whoever may edit the Tenant "
    'sets the annotation `tenancy.neostack.io/abandon: "true"`; login and data then stay as they are.',
)
UNEXPECTED_ERROR: Final = Reason(
    "UnexpectedError",
    waits=True,
    means="The operator met an error that it does not know. It tries again, ever more slowly.",
    advice="Look into the operator's log, where the error stands with its trace, and report it.",
)
LEFT_BEHIND: Final = Reason(
    "LeftBehind",
    waits=True,
    means="A deleted tenant's role could not be dropped, because something outside its schema still refers to it. It "
    "cannot log in, and the operator tries again.",
    advice="A database administrator looks at `tenant-manager retained` and removes what refers to the role.",
)
NAMESPACE_TERMINATING: Final = Reason(
    "NamespaceTerminating",
    waits=True,
    means="The namespace is being deleted, so that nothing can be created in it any more.",
    advice="Wait; the Tenant is deleted with its namespace.",
)
TENANTS_STALLED: Final = Reason(
    "TenantsStalled",
    waits=False,
    means="The last edit of the Plan reached every Tenant but those that wait for a person.",
    advice="Look for Tenants of the Plan that are Stalled and follow their reasons.",
)
ALL: Final = tuple(value for value in tuple(globals().values()) if isinstance(value, Reason))
TROUBLE: Final = tuple(reason for reason in ALL if reason not in FINE)

TENANT_CREATED: Final = EventReason("TenantCreated", "Schema, login and connection Secret were made.")
TENANT_CHANGED: Final = EventReason("TenantChanged", "An edit of the Tenant or of its Plan took effect.")
TENANT_SUSPENDED: Final = EventReason("TenantSuspended", "The login was closed and its sessions were ended.")
TENANT_RESUMED: Final = EventReason("TenantResumed", "The login was opened again, with the same password.")
TENANT_RETAINED: Final = EventReason("TenantRetained", "The Tenant was deleted; its data is kept and its login closed.")
TENANT_RESTORED: Final = EventReason("TenantRestored", "Data that was kept was given back to its Tenant.")
TENANT_DROPPED: Final = EventReason("TenantDropped", "The Tenant was deleted; its schema and login are gone for good.")
TENANT_ABANDONED: Final = EventReason(
    "TenantAbandoned", "The Tenant was let go without touching the database, as its annotation asked.", warning=True
)
DRIFT_REPAIRED: Final = EventReason(
    "DriftRepaired", "Somebody changed the tenant in PostgreSQL; it was set right again.", warning=True
)
PASSWORD_REPLACED: Final = EventReason(
    "PasswordReplaced",
    "The login has a new password, because the old one was lost or changed; applications must read the Secret again.",
    warning=True,
)
SECRET_REPAIRED: Final = EventReason(
    "SecretRepaired", "The connection Secret was deleted or edited; it was written again.", warning=True
)
PLAN_MISSING: Final = EventReason(
    "PlanMissing", "The Plan was deleted; the Tenant keeps what was applied last.", warning=True
)
EVENTS: Final = tuple(value for value in tuple(globals().values()) if isinstance(value, EventReason))
