variable "billing_account" {
  description = "Billing account that pays; empty: no budget."
  type        = string
}

variable "project_number" {
  description = "Number of the project."
  type        = string
}

variable "environment" {
  description = "Name of the environment."
  type        = string
}

variable "amount" {
  description = "Whole units of the currency in a month."
  type        = number

  validation {
    condition     = var.amount >= 1 && floor(var.amount) == var.amount
    error_message = "amount must be a whole number from 1."
  }
}

variable "currency_code" {
  description = "Currency of the billing account."
  type        = string
  default     = "USD"
}
