"""Version 1: task_service_pb2 has the messages, task_service_pb2_grpc the service."""
