"""The task type `send_email`: one e-mail to one person."""
