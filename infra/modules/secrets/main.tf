# Secrets whose values never stand in the state: they are written, and read by the workloads alone.

resource "google_secret_manager_secret" "main" {
  for_each = var.secrets

  project   = var.project_id
  secret_id = each.key
  labels    = var.labels

  replication {
    auto {}
  }
}

resource "google_secret_manager_secret_version" "main" {
  for_each = var.secrets

  secret                 = google_secret_manager_secret.main[each.key].id
  secret_data_wo         = var.values[each.key]
  secret_data_wo_version = each.value.version
}

resource "google_secret_manager_secret_iam_member" "accessor" {
  for_each = {
    for grant in flatten([
      for name, secret in var.secrets : [
        for workload in secret.readers : { secret = name, workload = workload }
      ]
    ]) : "${grant.secret}/${grant.workload}" => grant
  }

  project   = var.project_id
  secret_id = google_secret_manager_secret.main[each.value.secret].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${var.workloads[each.value.workload]}"
}
