output "api_url" {
  description = "Where callers reach the REST API."
  value       = module.edge.api_url
}

output "enqueue_url" {
  description = "Where the enqueue function answers; only API Gateway may call it."
  value       = module.enqueue.uri
}

output "grpc_url" {
  description = "Where the gRPC gateway's service is."
  value       = module.grpc_gateway.uri
}

output "connections" {
  description = "Connections that all instances together may open, and what one of each kind opens."
  value       = merge(local.connections_per_instance, { needed = local.connections, taken = var.database_max_connections })
}

output "task_topics" {
  description = "Topic of each task type."
  value       = module.messaging.topics
}

output "service_accounts" {
  description = "E-mail of each workload's account."
  value       = local.emails
}
