output "uri" {
  description = "The service's own address; from outside it is reached through the load balancer."
  value       = google_cloud_run_v2_service.main.uri
}

output "service" {
  description = "Name of the service."
  value       = google_cloud_run_v2_service.main.name
}
