# Per task type: a topic, its push subscription, and a dead-letter topic with two subscriptions: one
# pushes to the dead_letter function, one keeps the messages for people.

locals {
  agent = "serviceAccount:service-${var.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"
  names = { for type, _ in var.task_types : type => "tasks-${replace(type, "_", "-")}" }

  publishes = {
    for grant in flatten([
      for type, _ in var.task_types : [
        for workload, email in var.publishers : { type = type, workload = workload, email = email }
      ]
    ]) : "${grant.type}/${grant.workload}" => grant
  }
}

resource "google_pubsub_topic" "tasks" {
  for_each = var.task_types

  project                    = var.project_id
  name                       = local.names[each.key]
  labels                     = merge(var.labels, each.value.labels, { task_type = each.key })
  message_retention_duration = "${7 * 86400}s"

  message_storage_policy {
    allowed_persistence_regions = var.regions
  }
}

resource "google_pubsub_topic" "dead" {
  for_each = var.task_types

  project                    = var.project_id
  name                       = "${local.names[each.key]}-dead"
  labels                     = merge(var.labels, each.value.labels, { task_type = each.key })
  message_retention_duration = "${31 * 86400}s"

  message_storage_policy {
    allowed_persistence_regions = var.regions
  }
}

resource "google_pubsub_subscription" "tasks_push" {
  for_each = var.task_types

  project                    = var.project_id
  name                       = "${local.names[each.key]}-push"
  topic                      = google_pubsub_topic.tasks[each.key].id
  labels                     = merge(var.labels, { task_type = each.key })
  ack_deadline_seconds       = each.value.ack_deadline_seconds
  message_retention_duration = "${7 * 86400}s"
  retain_acked_messages      = false
  enable_message_ordering    = each.value.ordering

  expiration_policy {
    ttl = "" # never
  }

  push_config {
    push_endpoint = var.workers[each.key].uri

    oidc_token {
      service_account_email = var.push_account
      audience              = var.workers[each.key].audience
    }
  }

  retry_policy {
    minimum_backoff = "${each.value.retry_min_seconds}s"
    maximum_backoff = "${each.value.retry_max_seconds}s"
  }

  dead_letter_policy {
    dead_letter_topic     = google_pubsub_topic.dead[each.key].id
    max_delivery_attempts = each.value.max_attempts
  }

  # Without the grants Pub/Sub would drop what it cannot forward, and the first delivery may already
  # end as a dead letter, which somebody holds by then.
  depends_on = [
    google_pubsub_topic_iam_member.agent_forwards,
    google_pubsub_subscription.dead_hold,
  ]
}

resource "google_pubsub_subscription" "dead_push" {
  for_each = var.task_types

  project                    = var.project_id
  name                       = "${local.names[each.key]}-dead-push"
  topic                      = google_pubsub_topic.dead[each.key].id
  labels                     = merge(var.labels, { task_type = each.key })
  ack_deadline_seconds       = 60
  message_retention_duration = "${7 * 86400}s"
  retain_acked_messages      = false

  expiration_policy {
    ttl = ""
  }

  push_config {
    push_endpoint = var.dead_letter.uri

    oidc_token {
      service_account_email = var.push_account
      audience              = var.dead_letter.audience
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }
}

resource "google_pubsub_subscription" "dead_hold" {
  for_each = var.task_types

  project                    = var.project_id
  name                       = "${local.names[each.key]}-dead-hold"
  topic                      = google_pubsub_topic.dead[each.key].id
  labels                     = merge(var.labels, { task_type = each.key })
  ack_deadline_seconds       = 60
  message_retention_duration = "${7 * 86400}s"

  expiration_policy {
    ttl = ""
  }
}

# What Pub/Sub itself needs: to publish dead letters, to ack them at their source, to sign tokens. A
# project that has never used Pub/Sub lacks its account, and nothing can be granted to it until then.

resource "google_project_service_identity" "pubsub" {
  provider = google-beta # which alone has it

  project = var.project_id
  service = "pubsub.googleapis.com"
}

resource "google_pubsub_topic_iam_member" "agent_forwards" {
  for_each = var.task_types

  project = var.project_id
  topic   = google_pubsub_topic.dead[each.key].name
  role    = "roles/pubsub.publisher"
  member  = local.agent

  depends_on = [google_project_service_identity.pubsub]
}

resource "google_pubsub_subscription_iam_member" "agent_acks" {
  for_each = var.task_types

  project      = var.project_id
  subscription = google_pubsub_subscription.tasks_push[each.key].name
  role         = "roles/pubsub.subscriber"
  member       = local.agent

  depends_on = [google_project_service_identity.pubsub]

  lifecycle {
    # A subscription that is replaced comes back without its grants.
    replace_triggered_by = [google_pubsub_subscription.tasks_push[each.key].id]
  }
}

resource "google_service_account_iam_member" "agent_signs" {
  service_account_id = "projects/${var.project_id}/serviceAccounts/${var.push_account}"
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.agent

  depends_on = [google_project_service_identity.pubsub]
}

# What the system needs.

resource "google_pubsub_topic_iam_member" "publisher" {
  for_each = local.publishes

  project = var.project_id
  topic   = google_pubsub_topic.tasks[each.value.type].name
  role    = "roles/pubsub.publisher"
  member  = "serviceAccount:${each.value.email}"
}

resource "google_pubsub_topic_iam_member" "relay_copies" {
  for_each = var.task_types

  project = var.project_id
  topic   = google_pubsub_topic.dead[each.key].name
  role    = "roles/pubsub.publisher"
  member  = "serviceAccount:${var.publishers["relay"]}"
}
