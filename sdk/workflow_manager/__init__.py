"""Client, worker and command line of workflow-manager, the workflow manager on top of AWS Step Functions."""
