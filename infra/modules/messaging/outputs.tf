output "topics" {
  description = "Full name of each task type's topic."
  value       = { for type, topic in google_pubsub_topic.tasks : type => topic.id }
}

output "subscriptions" {
  description = "Short name of each task type's push subscription."
  value       = { for type, subscription in google_pubsub_subscription.tasks_push : type => subscription.name }
}

output "dead_letter_subscriptions" {
  description = "Short names of the subscriptions of dead letters, by task type."
  value = {
    for type, _ in var.task_types : type => {
      push = google_pubsub_subscription.dead_push[type].name
      hold = google_pubsub_subscription.dead_hold[type].name
    }
  }
}
