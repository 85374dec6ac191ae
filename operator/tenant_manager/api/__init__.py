"""What users write and read: the models of Tenant and Plan, their conditions and reasons. The source of `crds/`."""
