/** The checks of config.xml in the request to an agent, and the space that they take in it. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';

import { agentCommand } from '../../../src/collector/agent/agent-command.ts';
import { maxRequestOptionBytes } from '../../../src/config/clients/probe-options.ts';
import { decodeRequest } from '../../../src/report/agent-request.ts';
import { maxExecBytes, type RequestedCheck } from '../../../src/report/wire.ts';
import { bundles, keyPair } from '../../support/clients/agent-visit.ts';

const task = {
  client: 'web-1',
  was: null,
  runId: randomUUID(),
  collectorId: randomUUID(),
  publicKey: keyPair.publicKey,
  probeOptions: {},
  bundles,
  node: null,
  unsealed: 'allow',
  agentTimeoutMs: 15_000,
} as const;
const marker = Buffer.alloc(16);

function requestIn(command: string): ReturnType<typeof decodeRequest> {
  return decodeRequest(/'(eyJ2Ijox[\w-]+)'/.exec(command)?.[1] ?? '');
}

test('a visit asks for the checks, whatever program is uploaded, and an inventory does not', () => {
  const checks: readonly RequestedCheck[] = [{ name: 'a b', command: ['/x', "it's", '', 'ä'], everySeconds: 60 }];
  for (const uploaded of [null, bundles.agent, bundles.shell]) {
    assert.deepEqual(requestIn(agentCommand({ ...task, kind: 'visit', checks }, marker, uploaded)).checks, checks);
  }
  const { checks: none } = requestIn(agentCommand({ ...task, kind: 'inventory', checks }, marker, null));
  assert.equal(none, undefined);
  assert.ok(!('checks' in requestIn(agentCommand({ ...task, kind: 'visit', checks: [] }, marker, null))));
});

test('what config.xml may ask for fits into every command line, and what is larger is refused', () => {
  const checks = Array.from({ length: 40 }, (_, at): RequestedCheck => ({
    name: `check ${at}`,
    command: ['/usr/lib/check', '-x'.repeat(5)],
  }));
  const leftBytes = maxRequestOptionBytes - JSON.stringify(checks).length - JSON.stringify({ units: [''] }).length;
  assert.ok(leftBytes > 0);
  const probeOptions = { units: ['u'.repeat(leftBytes)] };
  const name = 'n'.repeat(128);
  const large = { ...task, kind: 'visit', client: name, was: name, checks, probeOptions } as const;
  const path = `/${'p'.repeat(100)}`;
  for (const uploaded of [null, bundles.agent, bundles.shell]) {
    for (const more of [{}, { node: path }]) {
      const { length } = agentCommand({ ...large, ...more }, marker, uploaded);
      assert.ok(length <= maxExecBytes, `${length} bytes`);
    }
  }
  const twice = { ...large, checks: [...checks, ...checks] };
  assert.throws(() => agentCommand(twice, marker, null), {
    code: 'config-invalid',
    message: /processes, mounts and checks/,
  });
});
