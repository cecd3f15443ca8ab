"""What is published to Pub/Sub: publish_pb2 has the messages."""
