"""The gRPC face of the API: it translates, and calls the same services as REST."""
