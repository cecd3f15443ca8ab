output "alert_policies" {
  description = "How many alert policies watch."
  value = sum([
    length(google_monitoring_alert_policy.backlog),
    length(google_monitoring_alert_policy.dead_letters),
    length(google_monitoring_alert_policy.platform),
    length(google_monitoring_alert_policy.burn),
  ])
}
