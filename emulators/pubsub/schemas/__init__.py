"""Schemas: the SchemaService, Avro and Protocol Buffers, and the check of what is published.

fastavro and grpcio-tools are imported when the first schema of their kind is used, not before.
"""
