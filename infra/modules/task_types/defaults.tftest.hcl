# The defaults of a task.yaml that says little are those of the Python code.

run "defaults_of_the_checkout" {
  command = plan

  variables {
    functions_dir = "../../../functions"
  }

  assert {
    condition     = output.task_types["send_email"].max_attempts == 5
    error_message = "max_attempts is 5 unless said otherwise."
  }

  assert {
    condition     = output.task_types["send_email"].ack_deadline_seconds == output.task_types["send_email"].time_limit_seconds + 30
    error_message = "The ack deadline is the time limit and 30 s."
  }

  assert {
    condition     = output.task_types["deliver_webhook"].retry_by == "ledger" && output.task_types["deliver_webhook"].max_attempts == 12
    error_message = "What a task.yaml says counts."
  }
}
