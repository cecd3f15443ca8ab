output "uri" {
  description = "Where it is called, once its invoker may call it."
  value       = google_cloudfunctions2_function.main.service_config[0].uri
  depends_on  = [google_cloud_run_v2_service_iam_member.invoker]
}

output "audience" {
  description = "Audience that its tokens must have."
  value       = local.audience
}

output "service" {
  description = "Name of the Cloud Run service beneath."
  value       = google_cloudfunctions2_function.main.name
}
