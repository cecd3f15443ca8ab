# The whole system: what the environments differ in are its variables, and nothing else.

locals {
  labels = { app = "cloudtasker", environment = var.environment }

  # A cap of the environment's own: the database takes so many connections and no more.
  task_types = {
    for name, limits in module.task_types.task_types :
    name => merge(limits, { max_instances = min(limits.max_instances, var.max_instances_per_type) })
  }

  task_workloads = { for name, _ in local.task_types : name => replace(name, "_", "-") }
  workloads = merge(local.task_workloads, {
    enqueue      = "enqueue"
    relay        = "relay"
    dead_letter  = "dead-letter"
    grpc_gateway = "grpc-gateway"
    migrate      = "migrate"
  })
  callers = { push = "push", scheduler = "scheduler", api_gateway = "api-gateway" }

  emails = { for workload, account in google_service_account.workload : workload => account.email }

  # What one instance opens at the most, as the code does: the ledger's two; one for what is rare
  # (API, relay) or for turns (types that only so many may run of); the API has a pool of eight for
  # reads, and one for keys.
  connections_per_instance = { task = 2, limited_task = 3, dead_letter = 2, relay = 3, api = 12 }
  connections = sum(concat(
    [
      for limits in local.task_types :
      limits.max_instances * (limits.limited ? local.connections_per_instance.limited_task : local.connections_per_instance.task)
    ],
    [for most in [var.api_max_instances, var.gateway_max_instances] : local.connections_per_instance.api * most],
    # Two instances each, and the migration.
    [2 * local.connections_per_instance.relay, 2 * local.connections_per_instance.dead_letter, 2],
  ))

  # The API remembers tasks in the cache; types that only so many may run of take turns there.
  cache_readers = concat(["enqueue", "grpc_gateway"], [for name, limits in local.task_types : name if limits.limited])

  # Large payloads: what enqueues stores them, a task type reads its own, the relay deletes them.
  # Thumbnails are large results, which their type writes.
  blob_roles = merge(
    { for workload in ["enqueue", "grpc_gateway", "relay"] : workload => "roles/storage.objectUser" },
    { for name, _ in local.task_types : name => name == "make_thumbnail" ? "roles/storage.objectUser" : "roles/storage.objectViewer" },
  )

  environment = {
    CLOUDTASKER_LOG      = "json"
    GOOGLE_CLOUD_PROJECT = var.project_id
  }
  # The relay prunes.
  retention = {
    CLOUDTASKER_KEEP_DAYS       = tostring(var.retention_days.ended)
    CLOUDTASKER_KEEP_DEAD_DAYS  = tostring(var.retention_days.dead)
    CLOUDTASKER_KEEP_AUDIT_DAYS = tostring(var.retention_days.audit)
  }
  own_environment = {
    for workload, _ in local.workloads : workload => workload == "migrate" ? local.environment : merge(
      local.environment,
      contains(local.cache_readers, workload) ? { CLOUDTASKER_REDIS_CA = module.data.redis_ca } : {},
      contains(keys(local.blob_roles), workload) ? { CLOUDTASKER_BLOBS_URL = module.data.blobs_url } : {},
      {
        CLOUDTASKER_DATABASE_URL = join("", [
          "cloudsql+pg8000://", urlencode(module.data.database_users[workload]),
          "@/", module.data.database, "?instance=", module.data.connection_name,
        ])
      },
    )
  }
  secrets = merge({
    redis-url   = { version = var.secret_versions.redis_url, readers = local.cache_readers }
    migrate-url = { version = var.secret_versions.migrate_password, readers = ["migrate"] }
    }, contains(keys(local.task_types), "deliver_webhook") ? {
    webhook-secret = { version = var.secret_versions.webhook_secret, readers = ["deliver_webhook"] }
    } : {}, contains(keys(local.task_types), "send_email") ? {
    smtp-url = { version = var.secret_versions.smtp_url, readers = ["send_email"] }
  } : {})
  secret_variables = {
    redis-url      = "CLOUDTASKER_REDIS_URL"
    migrate-url    = "CLOUDTASKER_DATABASE_URL"
    webhook-secret = "CLOUDTASKER_WEBHOOK_SECRET"
    smtp-url       = "CLOUDTASKER_SMTP_URL"
  }
  secret_environment = {
    for workload, _ in local.workloads : workload => {
      for name, secret in local.secrets : local.secret_variables[name] => module.secrets.secret_ids[name]
      if contains(secret.readers, workload)
    }
  }

  build = {
    bucket             = google_storage_bucket.source.name
    object             = google_storage_bucket_object.source.name
    service_account_id = google_service_account.build.id
    repository         = "projects/${var.project_id}/locations/${var.region}/repositories/${google_artifact_registry_repository.functions.repository_id}"
  }
}

module "task_types" {
  source = "../task_types"

  functions_dir = var.functions_dir
}

module "project_services" {
  source = "../project_services"

  project_id = var.project_id
}

# One identity a workload, and one for each caller of them.

resource "google_service_account" "workload" {
  for_each = local.workloads

  project      = var.project_id
  account_id   = "ct-${each.value}"
  display_name = "CloudTasker ${var.environment}: ${each.key}"
  depends_on   = [module.project_services]
}

resource "google_service_account" "caller" {
  for_each = local.callers

  project      = var.project_id
  account_id   = "ct-${each.value}"
  display_name = "CloudTasker ${var.environment}: calls as ${each.key}"
  depends_on   = [module.project_services]
}

resource "google_service_account" "build" {
  project      = var.project_id
  account_id   = "ct-build"
  display_name = "CloudTasker ${var.environment}: builds functions"
  depends_on   = [module.project_services]
}

resource "google_project_iam_member" "build" {
  project = var.project_id
  role    = "roles/logging.logWriter"
  member  = google_service_account.build.member
}

# Where the functions' images are built to: the one repository that the build account may write to.
resource "google_artifact_registry_repository" "functions" {
  project       = var.project_id
  location      = var.region
  repository_id = "cloudtasker-functions"
  description   = "Images that Cloud Build makes of the functions."
  format        = "DOCKER"
  labels        = local.labels
  depends_on    = [module.project_services]
}

resource "google_artifact_registry_repository_iam_member" "build_writes" {
  project    = var.project_id
  location   = var.region
  repository = google_artifact_registry_repository.functions.repository_id
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.build.member
}

resource "google_project_iam_member" "telemetry" {
  for_each = {
    for pair in setproduct(keys(local.workloads), ["roles/cloudtrace.agent", "roles/monitoring.metricWriter"]) :
    "${pair[0]}/${pair[1]}" => { workload = pair[0], role = pair[1] }
  }

  project = var.project_id
  role    = each.value.role
  member  = google_service_account.workload[each.value.workload].member
}

# The archive that every function is built from; its name carries its SHA-256.

resource "google_storage_bucket" "source" {
  project                     = var.project_id
  name                        = "${var.project_id}-cloudtasker-source"
  location                    = var.region
  labels                      = local.labels
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = !var.deletion_protection # else its versions keep it

  versioning {
    enabled = true
  }

  lifecycle_rule {
    action {
      type = "Delete"
    }
    condition {
      num_newer_versions = 5
    }
  }

  depends_on = [module.project_services]
}

resource "google_storage_bucket_iam_member" "build_reads" {
  bucket = google_storage_bucket.source.name
  role   = "roles/storage.objectViewer"
  member = google_service_account.build.member
}

resource "google_storage_bucket_object" "source" {
  bucket       = google_storage_bucket.source.name
  name         = basename(var.archive)
  source       = var.archive
  content_type = "application/zip"

  lifecycle {
    precondition {
      condition     = can(regex("^cloudtasker-[0-9a-f]{64}\\.zip$", basename(var.archive)))
      error_message = "archive ${var.archive} is not one that `make package` made: its name is cloudtasker-<sha256>.zip."
    }
    # One of zeros stands for any, where nothing is applied.
    precondition {
      condition     = fileexists(var.archive) || can(regex("^cloudtasker-0{64}\\.zip$", basename(var.archive)))
      error_message = "archive ${var.archive} is not there: `make package` builds one and prints its path."
    }
  }
}

module "network" {
  source = "../network"

  project_id = var.project_id
  region     = var.region
  name       = "cloudtasker"
  depends_on = [module.project_services]
}

module "data" {
  source = "../data"

  project_id           = var.project_id
  region               = var.region
  name                 = "cloudtasker-${var.environment}"
  network_id           = module.network.network_id
  labels               = local.labels
  tier                 = var.database_tier
  max_connections      = var.database_max_connections
  connections_needed   = local.connections
  highly_available     = var.highly_available
  deletion_protection  = var.deletion_protection
  redis_memory_size_gb = var.redis_memory_size_gb
  workloads            = local.emails
  depends_on           = [module.project_services]

  migrate_password         = var.migrate_password
  migrate_password_version = var.secret_versions.migrate_password
  blob_roles               = local.blob_roles
}

module "secrets" {
  source = "../secrets"

  project_id = var.project_id
  labels     = local.labels
  secrets    = local.secrets
  workloads  = local.emails
  values = {
    migrate-url = join("", [
      "cloudsql+pg8000://", module.data.migrate_user, ":", urlencode(var.migrate_password),
      "@/", module.data.database, "?instance=", module.data.connection_name,
    ])
    redis-url      = replace(module.data.redis_url, "rediss://", "rediss://:${module.data.redis_auth}@")
    webhook-secret = var.webhook_secret
    smtp-url       = var.smtp_url
  }
  depends_on = [module.project_services]
}

# Migrates the schema and grants each workload its role; functions roll out after it has succeeded.
# Waits for its own grants: creating it runs it.

resource "google_cloud_run_v2_job" "migrate" {
  provider = google-beta # which alone can wait for an execution

  project             = var.project_id
  location            = var.region
  name                = "cloudtasker-migrate"
  labels              = local.labels
  deletion_protection = false # holds no data
  launch_stage        = "BETA"
  # A new image or a new user runs it once more; it is ready when it has succeeded.
  run_execution_token = substr(sha256(jsonencode([var.functions_image, local.grants])), 0, 8)
  depends_on          = [module.data, module.secrets]

  template {
    template {
      service_account = local.emails["migrate"]
      timeout         = "600s"
      max_retries     = 3

      vpc_access {
        egress = "PRIVATE_RANGES_ONLY"
        network_interfaces {
          network    = module.network.network_id
          subnetwork = module.network.subnet_id
        }
      }

      containers {
        image   = var.functions_image
        command = ["cloudtasker"]
        args    = concat(["migrate"], flatten([for grant in local.grants : ["--grant", grant]]))

        dynamic "env" {
          for_each = local.own_environment["migrate"]
          content {
            name  = env.key
            value = env.value
          }
        }

        dynamic "env" {
          for_each = local.secret_environment["migrate"]
          content {
            name = env.key
            value_source {
              secret_key_ref {
                secret  = env.value
                version = "latest"
              }
            }
          }
        }
      }
    }
  }
}

locals {
  grants = sort(values(module.data.database_users))
}

module "task_function" {
  source   = "../task_function"
  for_each = local.task_types

  project_id         = var.project_id
  project_number     = var.project_number
  region             = var.region
  labels             = merge(local.labels, each.value.labels)
  task_type          = each.key
  limits             = each.value
  service_account    = local.emails[each.key]
  push_account       = google_service_account.caller["push"].email
  environment        = local.own_environment[each.key]
  secret_environment = local.secret_environment[each.key]
  connector_id       = module.network.connector_id
  build              = local.build
  image              = var.functions_image
  depends_on         = [google_cloud_run_v2_job.migrate, google_storage_bucket_iam_member.build_reads, google_artifact_registry_repository_iam_member.build_writes, google_project_iam_member.build]
}

module "enqueue" {
  source = "../http_function"

  project_id      = var.project_id
  project_number  = var.project_number
  region          = var.region
  labels          = local.labels
  name            = "enqueue"
  description     = "CloudTasker's REST API."
  caller          = "api"
  invoker         = google_service_account.caller["api_gateway"].email
  service_account = local.emails["enqueue"]
  environment = merge(local.own_environment["enqueue"], local.api_environment, {
    CLOUDTASKER_AUTH_GATEWAY = google_service_account.caller["api_gateway"].email
  })
  secret_environment = local.secret_environment["enqueue"]
  connector_id       = module.network.connector_id
  min_instances      = var.api_min_instances
  max_instances      = var.api_max_instances
  build              = local.build
  depends_on         = [google_cloud_run_v2_job.migrate, google_storage_bucket_iam_member.build_reads, google_artifact_registry_repository_iam_member.build_writes, google_project_iam_member.build]
}

locals {
  api_environment = merge(
    { CLOUDTASKER_AUTH = length(var.google_callers) > 0 ? "google" : "keys" },
    length(var.google_callers) > 0 ? {
      CLOUDTASKER_AUTH_CALLERS   = join(",", var.google_callers)
      CLOUDTASKER_AUTH_AUDIENCES = join(",", var.audiences)
    } : {},
  )
}

module "dead_letter" {
  source = "../http_function"

  project_id         = var.project_id
  project_number     = var.project_number
  region             = var.region
  labels             = local.labels
  name               = "dead_letter"
  description        = "Records what Pub/Sub has given up on."
  caller             = "platform"
  invoker            = google_service_account.caller["push"].email
  service_account    = local.emails["dead_letter"]
  environment        = local.own_environment["dead_letter"]
  secret_environment = local.secret_environment["dead_letter"]
  connector_id       = module.network.connector_id
  max_instances      = 2
  build              = local.build
  depends_on         = [google_cloud_run_v2_job.migrate, google_storage_bucket_iam_member.build_reads, google_artifact_registry_repository_iam_member.build_writes, google_project_iam_member.build]
}

module "relay" {
  source = "../http_function"

  project_id         = var.project_id
  project_number     = var.project_number
  region             = var.region
  labels             = local.labels
  name               = "relay"
  description        = "Brings back tasks that are due, unconfirmed or abandoned."
  caller             = "platform"
  invoker            = google_service_account.caller["scheduler"].email
  service_account    = local.emails["relay"]
  environment        = merge(local.own_environment["relay"], local.retention)
  secret_environment = local.secret_environment["relay"]
  connector_id       = module.network.connector_id
  timeout_seconds    = 120
  max_instances      = 2
  build              = local.build
  depends_on         = [google_cloud_run_v2_job.migrate, google_storage_bucket_iam_member.build_reads, google_artifact_registry_repository_iam_member.build_writes, google_project_iam_member.build]
}

resource "google_cloud_scheduler_job" "relay" {
  project          = var.project_id
  region           = var.region
  name             = "cloudtasker-relay"
  description      = "Calls the relay, which works for the minute until the next call."
  schedule         = "* * * * *"
  time_zone        = "Etc/UTC"
  attempt_deadline = "90s"

  retry_config {
    retry_count = 0 # the next minute is soon enough
  }

  http_target {
    http_method = "POST"
    uri         = module.relay.uri

    oidc_token {
      service_account_email = google_service_account.caller["scheduler"].email
      audience              = module.relay.audience
    }
  }
}

module "messaging" {
  source = "../messaging"

  project_id     = var.project_id
  project_number = var.project_number
  regions        = [var.region]
  labels         = local.labels
  task_types     = local.task_types
  workers        = { for name, function in module.task_function : name => { uri = function.uri, audience = function.audience } }
  dead_letter    = { uri = module.dead_letter.uri, audience = module.dead_letter.audience }
  push_account   = google_service_account.caller["push"].email
  publishers     = { for workload in ["enqueue", "grpc_gateway", "relay"] : workload => local.emails[workload] }
  depends_on     = [module.project_services]
}

module "grpc_gateway" {
  source = "../grpc_gateway"

  project_id          = var.project_id
  region              = var.region
  labels              = local.labels
  image               = var.gateway_image
  service_account     = local.emails["grpc_gateway"]
  environment         = merge(local.own_environment["grpc_gateway"], local.api_environment)
  secret_environment  = local.secret_environment["grpc_gateway"]
  network_id          = module.network.network_id
  subnet_id           = module.network.subnet_id
  min_instances       = var.gateway_min_instances
  max_instances       = var.gateway_max_instances
  deletion_protection = var.deletion_protection
  depends_on          = [google_cloud_run_v2_job.migrate]
}

module "edge" {
  source = "../edge"

  project_id      = var.project_id
  region          = var.region
  environment     = var.environment
  labels          = local.labels
  api             = { uri = module.enqueue.uri, audience = module.enqueue.audience }
  gateway_account = google_service_account.caller["api_gateway"].email
  audiences       = length(var.google_callers) > 0 ? var.audiences : []
  grpc_service    = module.grpc_gateway.service
  grpc_domain     = var.grpc_domain
  depends_on      = [module.project_services]
}

module "observability" {
  source = "../observability"

  project_id                = var.project_id
  labels                    = local.labels
  emails                    = var.alert_emails
  subscriptions             = module.messaging.subscriptions
  dead_letter_subscriptions = module.messaging.dead_letter_subscriptions
  runbook_url               = var.runbook_url
  time_limits_seconds       = { for name, limits in local.task_types : name => min(limits.time_limit_seconds, limits.ack_deadline_seconds) }
  api_host                  = module.edge.api_host
  relay_service             = module.relay.service
  uptime_period_seconds     = var.uptime_period_seconds
  max_instances = merge({ for name, limits in local.task_types : local.task_workloads[name] => limits.max_instances }, {
    (module.enqueue.service)      = var.api_max_instances
    (module.grpc_gateway.service) = var.gateway_max_instances
  })
  depends_on = [module.project_services]
}

module "records" {
  source = "../records"

  project_id     = var.project_id
  region         = var.region
  retention_days = var.log_retention_days
  depends_on     = [module.project_services]
}

module "budget" {
  source = "../budget"

  billing_account = var.billing_account
  project_number  = var.project_number
  environment     = var.environment
  amount          = var.budget
  depends_on      = [module.project_services]
}
