output "settings" {
  description = "Environment of the service: each key is the name of a variable."
  value = {
    AWS_REGION           = local.region
    WFM_ACCOUNT_ID       = local.account_id
    WFM_EVENTS_QUEUE_URL = aws_sqs_queue.status_events.url
    WFM_SFN_ROLE_ARN     = aws_iam_role.state_machines.arn
    WFM_STORE            = "dynamodb"
    WFM_TABLE_PREFIX     = var.name
  }
}

output "service_policy_arn" {
  description = "ARN of the policy to attach to the role of the service."
  value       = aws_iam_policy.service.arn
}

output "worker_policy_arn" {
  description = "ARN of the policy to attach to the roles of workers."
  value       = aws_iam_policy.worker.arn
}

output "state_machines_role_arn" {
  description = "ARN of the role that state machines run with; WFM_SFN_ROLE_ARN of the service."
  value       = aws_iam_role.state_machines.arn
}
