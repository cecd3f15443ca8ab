output "network_id" {
  description = "Network of the private services; ready for them once this is known."
  value       = google_compute_network.main.id
  depends_on  = [google_service_networking_connection.services]
}

output "subnet_id" {
  description = "Subnet for direct egress."
  value       = google_compute_subnetwork.main.id
}

output "connector_id" {
  description = "Connector through which functions reach the network."
  value       = google_vpc_access_connector.main.id
}
