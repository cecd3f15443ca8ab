"""REST v1 of the Pub/Sub API: the RPCs of the gRPC side, with JSON around them."""
