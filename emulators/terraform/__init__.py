"""A stand-in for Google's Terraform providers: real names and types, an imagined cloud behind."""
