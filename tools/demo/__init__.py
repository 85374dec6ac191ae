"""`make demo`, `make demo-stop`, `make shell`, `make psql`: the whole of it on one machine, to look at and play with.

Real parts all: PostgreSQL from a wheel, a Kubernetes control plane of our own (without nodes, so the operator runs as
a process here, with its own service account's token), the manifests and the examples as they are shipped.

KUBECONFIG_TEST names a cluster to take instead of our own; what the demo makes there stays when it is ended. PostgreSQL
is always ours, whatever DATABASE_URL says: the demo breaks a login as superuser.
"""
