output "api_url" {
  description = "Where callers reach the REST API."
  value       = module.cloudtasker.api_url
}

output "enqueue_url" {
  description = "Where the enqueue function answers; only API Gateway may call it."
  value       = module.cloudtasker.enqueue_url
}

output "grpc_url" {
  description = "Where the gRPC gateway's service is."
  value       = module.cloudtasker.grpc_url
}

output "connections" {
  description = "Connections that all instances together may open, and what one of each kind opens."
  value       = module.cloudtasker.connections
}
