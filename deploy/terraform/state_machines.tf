# The roles that state machines run with: one for all, or one for each namespace. Tasks of activities need no permission;
# what else a state machine calls is granted with var.state_machine_policy_arns and var.namespace_policy_arns.

data "aws_iam_policy_document" "state_machines_trust" {
  for_each = local.role_sources

  statement {
    sid     = "StepFunctionsOfThisAccount"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["states.amazonaws.com"]
    }

    # Without these, a state machine of another account, or of another namespace, could be made to use the role.
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = [each.value]
    }
  }
}

# Names of roles have at most 64 characters, so a namespace is in its name as a digest, and whole in the description.
resource "aws_iam_role" "state_machines" {
  for_each = local.role_sources

  name               = each.key == "*" ? "${var.name}-state-machines" : "${var.name}-states-${substr(sha256(each.key), 0, 12)}"
  description        = "State machines of workflow-manager run with it. Namespaces: ${each.key}"
  assume_role_policy = data.aws_iam_policy_document.state_machines_trust[each.key].json
  tags               = var.tags
}

resource "aws_iam_role_policy_attachment" "state_machines" {
  for_each = local.role_policies

  role       = aws_iam_role.state_machines[each.value.namespace].name
  policy_arn = each.value.arn
}
