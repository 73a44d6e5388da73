// Judges requests by @cloud-copilot/iam-simulate (AGPL-3.0): a program of its own, which no other code here is linked to.
// In, as JSON: { documents: {name: policy}, requests: [{principal, action, resource, account, context, identity: [name],
// resource_policy: name?, endpoint: [name]}] }. Out: for each request "Allowed", the kind of denial, or "error: …".
import { readFileSync } from "node:fs";
import { runSimulation } from "@cloud-copilot/iam-simulate";

const { documents, requests } = JSON.parse(readFileSync(0, "utf8"));
const named = (names) => names.map((name) => ({ name, policy: documents[name] }));

async function judge({ principal, action, resource, account, context, identity, resource_policy, endpoint }) {
  const result = await runSimulation(
    {
      request: { principal, action, resource: { resource, accountId: account }, contextVariables: context },
      identityPolicies: named(identity),
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      resourcePolicy: resource_policy ? documents[resource_policy] : undefined,
      vpcEndpointPolicies: endpoint.length ? named(endpoint) : undefined,
    },
    {},
  );
  if (result.resultType === "error") return `error: ${JSON.stringify(result.errors)}`;
  const ignored = result.result?.ignoredContextKeys ?? [];
  return ignored.length ? `error: ${action} has no condition key ${ignored}` : result.overallResult;
}

const verdicts = [];
for (const request of requests) verdicts.push(await judge(request).catch((error) => `error: ${error.message}`));
process.stdout.write(JSON.stringify(verdicts));
