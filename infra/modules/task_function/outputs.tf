output "uri" {
  description = "Where its messages are pushed to, once Pub/Sub may call it."
  value       = local.uri
  depends_on  = [google_cloud_run_v2_service_iam_member.push]
}

output "audience" {
  description = "Audience that its push tokens must have."
  value       = local.audience
}

output "service" {
  description = "Name of the Cloud Run service beneath."
  value       = local.cloud_name
}
