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

  tables = [
    aws_dynamodb_table.workflow_definitions.arn,
    aws_dynamodb_table.state_resources.arn,
    aws_dynamodb_table.workflows.arn,
    aws_dynamodb_table.coordination.arn,
  ]
}
