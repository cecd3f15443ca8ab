variable "project_id" {
  description = "Project of the secrets."
  type        = string
}

variable "labels" {
  description = "Labels of the secrets."
  type        = map(string)
  default     = {}
}

variable "secrets" {
  description = "Secrets by name: the version of the value (raise it to write a new one), and the workloads that read it."
  type = map(object({
    version = number
    readers = set(string)
  }))
}

variable "values" {
  description = "Values by secret. Never kept: neither in the state nor in a plan."
  type        = map(string)
  ephemeral   = true
}

variable "workloads" {
  description = "E-mails of the service accounts, by workload."
  type        = map(string)
}
