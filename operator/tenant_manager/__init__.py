"""Tenant Manager: a Kubernetes operator that turns Tenant and Plan objects into PostgreSQL."""

__version__ = "0.1.0"
