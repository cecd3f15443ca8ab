variable "project_id" {
  description = "Project of the database and the cache."
  type        = string
}

variable "region" {
  description = "Region of both."
  type        = string
}

variable "name" {
  description = "Name of both instances. A deleted database's name is taken for a week."
  type        = string
}

variable "network_id" {
  description = "Network that both are reached through."
  type        = string
}

variable "labels" {
  description = "Labels of both."
  type        = map(string)
  default     = {}
}

variable "tier" {
  description = "Machine type of the database, as db-custom-CPUS-MEMORY_MB."
  type        = string

  validation {
    condition     = can(regex("^db-(f1-micro|g1-small|custom-[0-9]+-[0-9]+)$", var.tier))
    error_message = "tier must be db-f1-micro, db-g1-small or db-custom-CPUS-MEMORY_MB."
  }
}

variable "disk_size_gb" {
  description = "First size of the database's disk; it grows by itself."
  type        = number
  default     = 20

  validation {
    condition     = var.disk_size_gb >= 10 && var.disk_size_gb <= 65536
    error_message = "disk_size_gb must be 10 to 65536."
  }
}

variable "max_connections" {
  description = "Connections that the database takes."
  type        = number
  default     = 400

  validation {
    condition     = var.max_connections >= 14 && var.max_connections <= 10000
    error_message = "max_connections must be 14 to 10000."
  }
}

variable "connections_needed" {
  description = "Connections that all instances of all workloads may open together."
  type        = number
}

variable "database_flags" {
  description = "More flags of the database."
  type        = map(string)
  default     = {}
}

variable "retained_backups" {
  description = "Daily backups that are kept."
  type        = number
  default     = 14

  validation {
    condition     = var.retained_backups >= 1 && var.retained_backups <= 365
    error_message = "retained_backups must be 1 to 365."
  }
}

variable "redis_memory_size_gb" {
  description = "Size of the cache."
  type        = number
  default     = 1

  validation {
    condition     = var.redis_memory_size_gb >= 1 && var.redis_memory_size_gb <= 300
    error_message = "redis_memory_size_gb must be 1 to 300."
  }
}

variable "highly_available" {
  description = "A standby in another zone for both."
  type        = bool
}

variable "deletion_protection" {
  description = "Refuse to delete the database, in Terraform and in the cloud."
  type        = bool
}

variable "migrate_password" {
  description = "Password of the user that migrates the schema. Never kept, neither in the state nor in a plan."
  type        = string
  ephemeral   = true
}

variable "migrate_password_version" {
  description = "Raise it to write a new password."
  type        = number
  default     = 1
}

variable "workloads" {
  description = "E-mails of the service accounts that use the database, by workload; `migrate` has a user of its own kind."
  type        = map(string)
}

variable "blob_roles" {
  description = "Role on the bucket of large payloads, by workload; a workload that is not named has none."
  type        = map(string)
}
