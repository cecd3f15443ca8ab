output "alert_policies" {
  description = "How many alert policies watch."
  value = sum([
    length(google_monitoring_alert_policy.backlog),
    length(google_monitoring_alert_policy.dead_letters),
    length(google_monitoring_alert_policy.platform),
    length(google_monitoring_alert_policy.burn),
    length(google_monitoring_alert_policy.instances),
    length(google_monitoring_alert_policy.push_latency),
    2, # defects, and an API that does not answer
  ])
}
