variable "project_id" {
  description = "Project of the topics."
  type        = string
}

variable "project_number" {
  description = "Its number, which names Pub/Sub's own service account."
  type        = string

  validation {
    condition     = can(regex("^[0-9]+$", var.project_number))
    error_message = "project_number must be digits; `gcloud projects describe` tells it."
  }
}

variable "regions" {
  description = "Regions in which messages may be stored."
  type        = list(string)
}

variable "labels" {
  description = "Labels of everything."
  type        = map(string)
  default     = {}
}

variable "task_types" {
  description = "What of task.yaml concerns messages, by task type."
  type = map(object({
    ack_deadline_seconds = number
    max_attempts         = number
    retry_min_seconds    = number
    retry_max_seconds    = number
    ordering             = bool
    labels               = map(string)
  }))
}

variable "workers" {
  description = "Where each task type's messages are pushed to, and the audience of the token."
  type        = map(object({ uri = string, audience = string }))
}

variable "dead_letter" {
  description = "Where dead letters are pushed to, and the audience of the token."
  type        = object({ uri = string, audience = string })
}

variable "push_account" {
  description = "E-mail of the account whose tokens pushes carry."
  type        = string
}

variable "publishers" {
  description = "E-mails of the accounts that publish, by workload; one of them is `relay`."
  type        = map(string)
}
