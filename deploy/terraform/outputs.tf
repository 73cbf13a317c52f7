output "settings" {
  description = "Environment of the service: each key is the name of a variable."
  value = {
    AWS_REGION           = local.region
    WFM_ACCOUNT_ID       = local.account_id
    WFM_EVENTS_QUEUE_URL = aws_sqs_queue.status_events.url
    WFM_SFN_ROLES        = jsonencode(local.roles)
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

output "state_machines_role_arns" {
  description = "ARNs of the roles that state machines run with, by globs of namespaces; WFM_SFN_ROLES of the service."
  value       = local.roles
}
