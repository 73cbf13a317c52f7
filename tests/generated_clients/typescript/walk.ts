// The README's walk and what lies beside it, with the types that were generated from openapi.json.
// Usage: node walk.js URL

import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type Schemas = components["schemas"];

const TIMEOUT_MS = 30_000;
const PAUSE_MS = 100;
const NAME = "typescript-walk:echo";
const ACTIVITY = "arn:aws:states:us-west-2:123456789012:activity:dev--echo";
const FUNCTION = "arn:aws:lambda:us-west-2:123456789012:function:dev--echo";

const ECHO: Schemas["SLStateMachine"] = {
  StartAt: "echo",
  States: { echo: { Type: "Task", Resource: "echo", End: true } },
};
const WAITS: Schemas["SLStateMachine"] = {
  StartAt: "wait",
  States: { wait: { Type: "Wait", Seconds: 600, End: true } },
};
const FAILS: Schemas["SLStateMachine"] = {
  StartAt: "first",
  States: { first: { Type: "Pass", Next: "broken" }, broken: { Type: "Fail", Error: "Broken" } },
};
const DANGLING: Schemas["SLStateMachine"] = {
  StartAt: "a",
  States: { a: { Type: "Pass", Next: "nowhere" } },
};

const url = process.argv[2];
assert(url !== undefined, "usage: node walk.js URL");
const headers = { Authorization: `Bearer ${process.env.WORKFLOWMANAGER_TOKEN}` };
const client = createClient<paths>({ baseUrl: url, headers });

interface Answer<Data, Failure> {
  data?: Data;
  error?: Failure;
  response: Response;
}

/** Return the data of an answer that must have this status. */
function data<Data, Failure>(answer: Answer<Data, Failure>, status: number): NonNullable<Data> {
  assert.equal(answer.response.status, status, JSON.stringify(answer.error));
  assert(answer.data !== undefined && answer.data !== null, "the answer has no data");
  return answer.data;
}

/** Return the failure of an answer that must have this status. */
function failure<Data, Failure>(answer: Answer<Data, Failure>, status: number): NonNullable<Failure> {
  assert.equal(answer.response.status, status);
  assert(answer.error !== undefined && answer.error !== null, "the answer has no error");
  return answer.error;
}

async function define(name: string, stateMachine: Schemas["SLStateMachine"]): Promise<Schemas["WorkflowDefinition"]> {
  const made = data(await client.POST("/workflow-definitions", { body: { name, stateMachine } }), 201);
  assert("version" in made, "expected a definition, not a verdict");
  return made;
}

async function start(name: string): Promise<Schemas["Workflow"]> {
  const body = { workflowDefinition: { name }, namespace: "dev", input: '{"foo": true}' };
  return data(await client.POST("/workflows", { body }), 200);
}

async function get(workflowID: string): Promise<Schemas["Workflow"]> {
  const params = { path: { workflowID }, query: { fetchHistory: true } };
  return data(await client.GET("/workflows/{workflowID}", { params }), 200);
}

async function inStatus(
  workflowID: string,
  ...statuses: Schemas["WorkflowStatus"][]
): Promise<Schemas["Workflow"]> {
  const deadline = Date.now() + TIMEOUT_MS;
  for (;;) {
    const workflow = await get(workflowID);
    if (statuses.includes(workflow.status)) return workflow;
    assert(Date.now() < deadline, `workflow ${workflowID} is still ${workflow.status}, not ${statuses.join(" or ")}`);
    await pause(PAUSE_MS);
  }
}

const ended = (workflowID: string) => inStatus(workflowID, "succeeded", "failed", "cancelled");

const steps: [string, () => Promise<void>][] = [
  [
    "The service is healthy.",
    async () => {
      assert.equal(data(await client.GET("/_health"), 200).status, "ok");
    },
  ],
  [
    "A definition is read as it was written.",
    async () => {
      const made = await define(NAME, ECHO);
      const path = { name: NAME, version: 0 };
      const got = data(await client.GET("/workflow-definitions/{name}/{version}", { params: { path } }), 200);
      const { warnings, ...kept } = made; // warnings are told to who writes it, and not kept
      assert.deepEqual(got, kept);
      assert.notEqual(warnings, undefined);
      assert.deepEqual(got.stateMachine, ECHO);
    },
  ],
  [
    "A new version is listed last, and alone when only the latest is wanted.",
    async () => {
      const path = { name: NAME };
      const body = { name: NAME, stateMachine: ECHO, defaultTags: { team: "infra" } };
      const updated = data(await client.PUT("/workflow-definitions/{name}", { params: { path }, body }), 201);
      assert.equal(updated.version, 1);
      const query = { latest: false };
      const versions = data(await client.GET("/workflow-definitions/{name}", { params: { path, query } }), 200);
      assert.deepEqual(versions.map((each) => each.version), [0, 1]);
      const latest = data(await client.GET("/workflow-definitions/{name}", { params: { path } }), 200);
      assert.deepEqual(latest.map((each) => each.version), [1]);
      const every = data(await client.GET("/workflow-definitions"), 200);
      assert.deepEqual(every.filter((each) => each.name === NAME).map((each) => each.version), [1]);
    },
  ],
  [
    "A definition that is only judged is not stored.",
    async () => {
      const name = "typescript-walk:judged";
      const params = { query: { validateOnly: true } };
      const body = { name, stateMachine: ECHO };
      const verdict = data(await client.POST("/workflow-definitions", { params, body }), 200);
      assert("valid" in verdict && verdict.valid);
      failure(await client.GET("/workflow-definitions/{name}", { params: { path: { name } } }), 404);
    },
  ],
  [
    "An invalid definition is answered with pointers to what is wrong.",
    async () => {
      const body = { name: "typescript-walk:dangling", stateMachine: DANGLING };
      const refused = failure(await client.POST("/workflow-definitions", { body }), 400);
      const pointers = (refused.errors ?? []).map((problem) => problem.pointer);
      assert(pointers.some((pointer) => pointer.endsWith("/States/a/Next")), refused.message);
      assert(refused.requestId !== undefined && refused.requestId.length > 0);
    },
  ],
  [
    "A definition whose name is taken is a conflict.",
    async () => {
      const body = { name: NAME, stateMachine: ECHO };
      assert(failure(await client.POST("/workflow-definitions", { body }), 409).message.includes(NAME));
    },
  ],
  [
    "A workflow runs to its end, and its job holds what the worker did.",
    async () => {
      const workflow = await ended((await start(NAME)).id);
      assert.equal(workflow.status, "succeeded", workflow.statusReason);
      const [job] = workflow.jobs ?? [];
      assert.equal(job?.state, "echo");
      assert.equal(job.status, "succeeded");
      assert.equal(job.attempts.length, 0);
      assert.equal(JSON.parse(workflow.output ?? "null").foo, true);
      assert.deepEqual(workflow.tags, { team: "infra" });
    },
  ],
  [
    "A start that is repeated with its key gives the same workflow.",
    async () => {
      const params = { header: { "Idempotency-Key": "typescript-walk" } };
      const body = { workflowDefinition: { name: NAME, version: 0 }, namespace: "dev", input: { n: 1 } };
      const first = data(await client.POST("/workflows", { params, body }), 200);
      const second = data(await client.POST("/workflows", { params, body }), 200);
      assert.equal(second.id, first.id);
      await ended(first.id);
    },
  ],
  [
    "A listing is read page by page, and holds every workflow once.",
    async () => {
      const workflowDefinitionName = "typescript-walk:pages";
      await define(workflowDefinitionName, ECHO);
      const started = [];
      for (let count = 0; count < 3; count += 1) started.push((await start(workflowDefinitionName)).id);
      const listed = [];
      let pageToken: string | null = null;
      do {
        const page: { pageToken?: string } = pageToken === null ? {} : { pageToken };
        const query = { workflowDefinitionName, limit: 2, oldestFirst: true, ...page };
        const answer = await client.GET("/workflows", { params: { query } });
        listed.push(...data(answer, 200).map((workflow) => workflow.id));
        const following = answer.response.headers.get("X-Next-Page-Path");
        pageToken = following === null ? null : new URL(following, url).searchParams.get("pageToken");
      } while (pageToken !== null);
      assert.deepEqual(listed, started);
      await Promise.all(started.map(ended));
    },
  ],
  [
    "A summary leaves out definition bodies, jobs and outputs, and on request inputs.",
    async () => {
      const query = { workflowDefinitionName: NAME, summaryOnly: true, omitInput: true };
      const listed = data(await client.GET("/workflows", { params: { query } }), 200);
      assert.equal(listed.length, 2);
      for (const { jobs, input, output, workflowDefinition } of listed) {
        assert.deepEqual([jobs, input, output, workflowDefinition.stateMachine], Array(4).fill(undefined));
      }
    },
  ],
  [
    "A workflow is cancelled with its reason, once.",
    async () => {
      await define("typescript-walk:waits", WAITS);
      const { id: workflowID } = await start("typescript-walk:waits");
      await inStatus(workflowID, "running");
      const request = { params: { path: { workflowID } }, body: { reason: "enough" } };
      assert.equal((await client.DELETE("/workflows/{workflowID}", request)).response.status, 200);
      const workflow = await ended(workflowID);
      assert.deepEqual([workflow.status, workflow.statusReason], ["cancelled", "enough"]);
      failure(await client.DELETE("/workflows/{workflowID}", request), 400);
    },
  ],
  [
    "A failed workflow is resumed at a state, and resolved once.",
    async () => {
      await define("typescript-walk:fails", FAILS);
      const failed = await ended((await start("typescript-walk:fails")).id);
      assert.deepEqual([failed.status, failed.resolvedByUser], ["failed", false]);
      const params = { path: { workflowID: failed.id } };
      const resume = { params, body: { StartAt: "broken" } };
      const resumed = data(await client.POST("/workflows/{workflowID}", resume), 200);
      assert.equal(resumed.retryFor, failed.id);
      assert.deepEqual((await ended(resumed.id)).jobs?.map((job) => job.state), ["broken"]);
      assert.equal((await client.POST("/workflows/{workflowID}/resolved", { params })).response.status, 201);
      failure(await client.POST("/workflows/{workflowID}/resolved", { params }), 409);
      const lookedAfter = await get(failed.id);
      assert.deepEqual([lookedAfter.resolvedByUser, lookedAfter.retries], [true, [resumed.id]]);
      failure(await client.POST("/workflows/{workflowID}", resume), 409);
      const nowhere = { params: { path: { workflowID: resumed.id } }, body: { StartAt: "nowhere" } };
      failure(await client.POST("/workflows/{workflowID}", nowhere), 400);
    },
  ],
  [
    "Failures that nobody has looked after are found by their filters.",
    async () => {
      const workflowDefinitionName = "typescript-walk:fails";
      const query = { workflowDefinitionName, status: "failed" as const, resolvedByUser: false };
      const unresolved = data(await client.GET("/workflows", { params: { query } }), 200);
      assert.equal(unresolved.length, 1);
    },
  ],
  [
    "A workflow and a definition that do not exist are not found.",
    async () => {
      const workflow = { path: { workflowID: "no-such-workflow" } };
      failure(await client.GET("/workflows/{workflowID}", { params: workflow }), 404);
      const definition = { path: { name: "no-such", version: 0 } };
      failure(await client.GET("/workflow-definitions/{name}/{version}", { params: definition }), 404);
      const body = { workflowDefinition: { name: "no-such" }, namespace: "dev" };
      failure(await client.POST("/workflows", { body }), 404);
    },
  ],
  [
    "A state resource is made, read, changed and removed.",
    async () => {
      const path = { namespace: "dev", name: "typescript-walk" };
      const params = { path };
      const route = "/state-resources/{namespace}/{name}";
      const made = data(await client.POST("/state-resources", { body: { ...path, uri: ACTIVITY } }), 201);
      assert.equal(made.type, "ActivityARN");
      assert.deepEqual(data(await client.GET(route, { params }), 200), made);
      const changed = data(await client.PUT(route, { params, body: { ...path, uri: FUNCTION } }), 201);
      assert.equal(changed.type, "LambdaFunctionARN");
      assert.equal((await client.DELETE(route, { params })).response.status, 200);
      failure(await client.GET(route, { params }), 404);
      failure(await client.DELETE(route, { params }), 404);
    },
  ],
];

for (const [fact, step] of steps) {
  await step();
  console.log(`    ${fact}`);
}
