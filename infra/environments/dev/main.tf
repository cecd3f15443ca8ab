# Small, cheap, and easy to take away.

module "cloudtasker" {
  source = "../../modules/cloudtasker"

  environment              = "dev"
  project_id               = var.project_id
  project_number           = var.project_number
  region                   = var.region
  functions_dir            = abspath("${path.root}/../../../functions")
  archive                  = var.archive
  functions_image          = var.functions_image
  gateway_image            = var.gateway_image
  database_tier            = "db-custom-1-3840"
  database_max_connections = 200
  highly_available         = false
  deletion_protection      = false
  max_instances_per_type   = 3
  api_max_instances        = 3
  gateway_min_instances    = 0
  gateway_max_instances    = 2
  uptime_period_seconds    = 900 # seldom, so that an idle API scales to nothing
  log_retention_days       = 30
  retention_days           = var.retention_days
  alert_emails             = var.alert_emails
  migrate_password         = var.migrate_password
  webhook_secret           = var.webhook_secret
  smtp_url                 = var.smtp_url
}
