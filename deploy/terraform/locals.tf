data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

locals {
  account_id = data.aws_caller_identity.current.account_id
  region     = data.aws_region.current.id

  # Names of state machines and of activities start with their namespace and two dashes.
  states = "arn:${data.aws_partition.current.partition}:states:${local.region}:${local.account_id}"

  state_machines = [for namespace in var.namespaces : "${local.states}:stateMachine:${namespace}--*"]
  executions     = [for namespace in var.namespaces : "${local.states}:execution:${namespace}--*"]
  activities     = [for namespace in var.namespaces : "${local.states}:activity:${namespace}--*"]

  # Without a role of their own, all namespaces share one.
  namespaces_with_role = var.role_per_namespace ? var.namespaces : toset([])
  namespaces_in_common = var.role_per_namespace ? {} : { "*" = "${local.states}:stateMachine:*" }

  role_sources = merge(
    { for namespace in local.namespaces_with_role : namespace => "${local.states}:stateMachine:${namespace}--*" },
    local.namespaces_in_common,
  )

  roles = { for namespace, role in aws_iam_role.state_machines : namespace => role.arn }

  role_policies = {
    for pair in flatten([
      for namespace in keys(local.role_sources) : [
        for arn in setunion(var.state_machine_policy_arns, lookup(var.namespace_policy_arns, namespace, [])) :
        { namespace = namespace, arn = arn }
      ]
    ]) : "${pair.namespace} ${pair.arn}" => pair
  }

  tables = [
    aws_dynamodb_table.workflow_definitions.arn,
    aws_dynamodb_table.state_resources.arn,
    aws_dynamodb_table.workflows.arn,
    aws_dynamodb_table.coordination.arn,
  ]
}
