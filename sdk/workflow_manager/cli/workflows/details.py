"""The verb ``workflows`` with an id: the workflow and its jobs."""

from workflow_manager import models
from workflow_manager.cli.exit_codes import ExitCode
from workflow_manager.cli.options.client import call
from workflow_manager.cli.options.common import Format, WorkflowFormat
from workflow_manager.cli.options.connection import Service
from workflow_manager.cli.options.id_prefixes import whole_id
from workflow_manager.cli.output.columns import JOB_COLUMNS, WORKFLOW_COLUMNS, job_fields, workflow_fields
from workflow_manager.cli.output.console import note, write_line
from workflow_manager.cli.output.escaping import escape, escape_lines
from workflow_manager.cli.output.formats import is_terminal, write_fields, write_result, write_table
from workflow_manager.cli.workflows.job_tree import TREE_COLUMNS, job_tree, rows
from workflow_manager.client import WorkflowManager


def show_workflow(workflow_id: str, *, full: bool, service: Service, output: WorkflowFormat) -> ExitCode:
    """Show the current state of a workflow in Step Functions."""

    async def get(manager: WorkflowManager) -> models.Workflow:
        return await manager.get_workflow(await whole_id(manager, workflow_id), fetch_history=True)

    workflow = call(service, get)
    if output is WorkflowFormat.ID:
        write_line(escape(workflow.id))
    elif output in {WorkflowFormat.TABLE, WorkflowFormat.WIDE}:
        write_details(workflow, full=full or output is WorkflowFormat.WIDE)
    else:
        write_result(workflow, WORKFLOW_COLUMNS, output=Format(output))
    return ExitCode.OK


def show_cause(workflow_id: str, *, service: Service) -> ExitCode:
    """Print the cause of the last job's failure as Step Functions reports it, or else the reason."""

    async def get(manager: WorkflowManager) -> tuple[models.Workflow, models.Job | None]:
        workflow = await manager.get_workflow(await whole_id(manager, workflow_id), fetch_history=True)
        last = workflow.last_job
        if last is not None and last.payloads_left_out:
            return workflow, await manager.get_job(workflow.id, last.id)
        return workflow, last

    workflow, last = call(service, get)
    cause = (last.cause or last.status_reason if last else None) or workflow.status_reason
    if not cause:
        note(f"Workflow {workflow_id} has no failure cause: its status is {workflow.status.value}.")
        return ExitCode.REFUSED
    write_line(escape_lines(cause))
    return ExitCode.OK


def write_details(workflow: models.Workflow, *, full: bool) -> None:
    """Write the details of a workflow; ``full`` shortens nothing, and adds the details of each job."""
    write_fields(workflow_fields(workflow, full=full or not is_terminal()))
    if left_out := sum(bool(job.payloads_left_out) for job in workflow.jobs):
        note(f"Inputs and outputs of {left_out} jobs are only in Step Functions: the workflow has too many to store.")
    write_line()
    if not full:
        _write_jobs(workflow.jobs)
        return
    for job in workflow.jobs:
        write_fields(job_fields(job))
        write_line()


def _write_jobs(jobs: tuple[models.Job, ...]) -> None:
    """Write a tree on a terminal, and a line per job elsewhere."""
    if is_terminal():
        write_table(rows(job_tree(jobs)), TREE_COLUMNS)
    else:
        write_table(jobs, JOB_COLUMNS)
