/** GPUs, with a script that replaces nvidia-smi. */
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { startChecks } from '../../../agent/checks/start-checks.ts';
import { checkStats } from '../../../src/report/checks/checks.ts';
import type { CheckResult } from '../../../src/report/checks.ts';
import { checkAgents, checkClient, type CheckAgent, type CheckVisit } from '../../support/clients/check-client.ts';
import { skipUnlessWide } from '../../support/long-tests.ts';
import { shellAgent } from '../../support/clients/shell-report.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const gpu = 'NVIDIA A100-SXM4-40GB, 34, 0, 0, 40960';

function said({ checks }: Pick<CheckVisit, 'checks'>): string[] {
  const rows = checkStats({ datetime: new Date().toISOString(), checks });
  return rows.map(({ check_name: name, state, text }) => `${name} ${state} ${text}`);
}

/** Returns what one line of several says, whose rows all have the same name. */
const saidOf = ({ checks }: CheckVisit, wanted: string): string[] =>
  said({ checks: checks.filter(({ name }) => name === wanted) });

for (const agent of checkAgents) {
  const onlyNode = { skip: agent.shell === null ? false : skipUnlessWide };
  test(`nvidia-smi is asked, and fewer GPUs than expected, faults and a hang are reported (${agent.name})`, async (t) => {
    const client = checkClient(t, agent);
    const [args, pids] = ['args', 'pids'].map((name) => path.join(client.home, name)) as [string, string];
    const smi = (name: string, text: string): string => `program=${client.program(name, text)}`;
    const lost = 'echo "Unable to determine the device handle for GPU 0000:3B:00.0: GPU is lost."; exit 15';
    const hang = `trap '' TERM; sleep 600 & echo $$ $! >>${pids}; wait`;
    client.conf(
      `gpu expected=2 timeout=5s ${smi('two', `echo "$@" >>${args}\necho '${gpu}'\necho '${gpu}'`)}\n` +
        `gpu ${smi('lost', lost)}\ngpu expected=8 timeout=1s ${smi('hangs', hang)}\n`,
    );
    const first = await client.visit();
    assert.deepEqual(
      first.checks.map(({ name }) => name),
      ['gpu:2', 'gpu', 'gpu:8'],
    );
    assert.deepEqual(saidOf(first, 'gpu:2'), ['gpu 0 2 GPUs: NVIDIA A100-SXM4-40GB']);
    const fields = 'name,temperature.gpu,utilization.gpu,memory.used,memory.total';
    assert.equal(readFileSync(args, 'utf8'), `--query-gpu=${fields} --format=csv,noheader,nounits\n`);
    assert.match(saidOf(first, 'gpu').join(), /^gpu 2 Unable to determine .*: GPU is lost\.\n0 GPUs$/);
    const hung = first.checks[2];
    assert.deepEqual([hung?.exit, hung?.why], [null, 'timeout'], 'a hang is UNKNOWN');
    const begun = readFileSync(pids, 'utf8').trim().split(/\s+/);
    assert.equal(begun.length, 2);
    assert.deepEqual(begun.filter(isRunning), [], 'it is ended with its children');
    client.conf(`gpu expected=2 ${smi('fewer', `echo '${gpu}'`)}\ngpu ${smi('page', 'echo "<html>"')}\n`);
    const second = await client.visit();
    assert.deepEqual(saidOf(second, 'gpu:2'), ['gpu 2 1 GPU of 2: NVIDIA A100-SXM4-40GB']);
    assert.deepEqual(saidOf(second, 'gpu'), ['gpu 3 not an answer of nvidia-smi: <html>\n0 GPUs']);
  });

  test(
    `a check of that name with a command is one's own, and wrong options are none (${agent.name})`,
    onlyNode,
    async (t) => {
      const client = checkClient(t, agent);
      const own = client.program('own', 'echo own');
      client.conf(`gpu every=1h ${own}\n`, 'first.conf');
      const wrong = ['gpu expected=many', 'gpu expected=1000', 'gpu every=0', 'gpu program=smi/x'];
      const file = client.conf([...wrong, 'gpu format=gpu x', 'x format=gpu y'].join('\n'));
      const visited = await client.visit();
      assert.deepEqual(said(visited), ['gpu 0 own']);
      const [plain, gpus] = ['not a line of NAME and COMMAND', 'gpu takes expected=NUMBER'];
      assert.deepEqual(
        visited.refused,
        [gpus, gpus, gpus, gpus, plain, plain].map((why, at) => ({ path: `${file}:${at + 1}`, why })),
      );
    },
  );

  test(`nvidia-smi of the machine is asked without a line, but not beside one (${agent.name})`, onlyNode, async (t) => {
    const root = tempFolder(t);
    mkdirSync(`${root}/usr/bin`, { recursive: true, mode: 0o755 });
    mkdirSync(`${root}/etc/fleet-health`, { recursive: true, mode: 0o755 });
    const states = async (): Promise<string[]> => said({ checks: await checksOf(t, agent, root) });
    assert.deepEqual(await states(), []);
    writeFileSync(`${root}/usr/bin/nvidia-smi`, `#!/bin/sh\necho '${gpu}'\n`, { mode: 0o755 });
    assert.deepEqual(await states(), ['gpu 0 1 GPU: NVIDIA A100-SXM4-40GB']);
    mkdirSync(`${root}/etc/fleet-health/checks.d`, { mode: 0o755 });
    const conf = `${root}/etc/fleet-health/checks.d/own.conf`;
    writeFileSync(conf, 'gpu expected=2\n', { mode: 0o644 });
    const [row, ...others] = await states();
    // The conf line makes the agent run nvidia-smi of the real machine, which usually has none.
    assert.match(row ?? '', /^gpu 3 missing command$|^gpu [02] /);
    assert.deepEqual(others, []);
  });
}

async function checksOf(t: TestContext, { shell, awk }: CheckAgent, root: string): Promise<readonly CheckResult[]> {
  if (shell !== null) {
    const { report, fault } = await shellAgent(t, { shell, awk }).run({ root });
    assert.equal(fault, null);
    return report?.checks ?? [];
  }
  const placeDir = tempFolder(t);
  const part = await startChecks({ requested: [], placeDir, bootId: null, deadlineMs: 10_000, root });
  return part?.checks ?? [];
}

function isRunning(pid: string): boolean {
  try {
    return !readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z');
  } catch {
    return false;
  }
}
