"""Google Cloud on one machine: what the production Terraform asks for, made of local processes."""
