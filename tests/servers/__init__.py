"""Real servers, started by us: PostgreSQL 16, 17 and 18, and a Kubernetes control plane. For the tests and the demo."""
