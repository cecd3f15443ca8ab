output "services" {
  description = "Names of the APIs that are on; depend on it to use them."
  value       = [for service in google_project_service.main : service.service]
}
