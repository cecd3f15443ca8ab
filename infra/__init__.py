"""What is deployed, and how it gets there: Terraform, and the archive that it uploads."""
