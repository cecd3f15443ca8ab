"""A stand-in for the cloud: production's Terraform is applied to this machine, as processes."""
