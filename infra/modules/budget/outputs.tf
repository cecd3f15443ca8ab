output "budget" {
  description = "Name of the budget, null without a billing account."
  value       = one(google_billing_budget.main[*].id)
}
