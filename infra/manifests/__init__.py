"""Writes the Kubernetes and Knative manifests of every function from `functions/*/task.yaml`."""
