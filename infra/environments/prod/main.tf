# Standbys for what holds data, which cannot be deleted by mistake; warm instances for callers.

module "cloudtasker" {
  source = "../../modules/cloudtasker"

  environment              = "prod"
  project_id               = var.project_id
  project_number           = var.project_number
  region                   = var.region
  functions_dir            = abspath("${path.root}/../../../functions")
  archive                  = var.archive
  functions_image          = var.functions_image
  gateway_image            = var.gateway_image
  database_tier            = "db-custom-4-16384"
  database_max_connections = 1000
  redis_memory_size_gb     = 5
  highly_available         = true
  deletion_protection      = true
  max_instances_per_type   = 40
  api_min_instances        = 1
  api_max_instances        = 30
  gateway_min_instances    = 1
  gateway_max_instances    = 10
  log_retention_days       = 400
  retention_days           = var.retention_days
  google_callers           = var.google_callers
  audiences                = var.audiences
  grpc_domain              = var.grpc_domain
  billing_account          = var.billing_account
  budget                   = var.budget
  alert_emails             = var.alert_emails
  migrate_password         = var.migrate_password
  webhook_secret           = var.webhook_secret
  smtp_url                 = var.smtp_url
}
