output "task_types" {
  description = "Limits of every task type, defaults filled in."
  value       = local.task_types

  precondition {
    condition     = length(local.lines) == 0
    error_message = join("\n", local.lines)
  }
}
