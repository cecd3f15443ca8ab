"""The public contract over gRPC, and the code that protos/generate.py writes from it."""
