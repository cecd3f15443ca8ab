output "secret_ids" {
  description = "Short names of the secrets, once they have a value and their readers may read it."
  value       = { for name, secret in google_secret_manager_secret.main : name => secret.secret_id }
  depends_on = [
    google_secret_manager_secret_version.main,
    google_secret_manager_secret_iam_member.accessor,
  ]
}
