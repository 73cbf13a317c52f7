# The role that state machines run with. Tasks of activities need no permission; what else a state machine calls is
# granted with var.state_machine_policy_arns.

data "aws_iam_policy_document" "state_machines_trust" {
  statement {
    sid     = "StepFunctionsOfThisAccount"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["states.amazonaws.com"]
    }

    # Without these, a state machine of another account could be made to use the role.
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }

    condition {
      test     = "ArnLike"
      variable = "aws:SourceArn"
      values   = ["${local.states}:stateMachine:*"]
    }
  }
}

resource "aws_iam_role" "state_machines" {
  name               = "${var.name}-state-machines"
  description        = "State machines of workflow-manager run with it."
  assume_role_policy = data.aws_iam_policy_document.state_machines_trust.json
  tags               = var.tags
}

resource "aws_iam_role_policy_attachment" "state_machines" {
  for_each = var.state_machine_policy_arns

  role       = aws_iam_role.state_machines.name
  policy_arn = each.value
}
