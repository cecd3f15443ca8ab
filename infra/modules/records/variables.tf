variable "project_id" {
  description = "Project whose records are kept."
  type        = string
}

variable "region" {
  description = "Region that they are kept in."
  type        = string
}

variable "retention_days" {
  description = "How long they are kept."
  type        = number

  validation {
    condition     = var.retention_days >= 1 && var.retention_days <= 3650
    error_message = "log_retention_days must be 1 to 3650."
  }
}
