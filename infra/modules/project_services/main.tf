# The APIs that the system calls. Left on when it is destroyed: others in the project may use them.

resource "google_project_service" "main" {
  for_each = toset([
    "apigateway", "artifactregistry", "billingbudgets", "cloudbuild", "cloudfunctions",
    "cloudresourcemanager", "cloudscheduler", "cloudtrace",
    "compute", "iam", "iamcredentials", "logging", "monitoring", "pubsub", "redis", "run",
    "secretmanager", "servicecontrol", "servicemanagement", "servicenetworking", "sqladmin", "storage",
    "vpcaccess",
  ])

  project            = var.project_id
  service            = "${each.key}.googleapis.com"
  disable_on_destroy = false
}
