"""The command line `cloudtasker`: a client of the REST API and of the local stack's parts."""
