"""The only code beside kopf that talks to the Kubernetes API."""
