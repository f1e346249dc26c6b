/** The used part of a ZFS pool, read once a day by the inventory or the shell agent and reported with its state. */
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test, type TestContext } from 'node:test';

import { withBuiltIn } from '../../../agent/checks/with-built-in.ts';
import { poolsOfToday } from '../../../agent/inventory/pools.ts';
import { devices } from '../../../agent/probes/devices.ts';
import type { CheckResult } from '../../../src/report/checks.ts';
import { checkAwks, resultOf, statsOf } from '../../support/clients/built-in-checks.ts';
import { skipUnlessWide } from '../../support/long-tests.ts';
import { rootWith, shellAgent } from '../../support/clients/shell-report.ts';
import { ageNotes, changeNotes } from '../../support/clients/shell-notes.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { contextOf } from '../probes/fixture-context.ts';

const hour = 3600;

/** An agent on a machine. Its visits are reported as `NAME STATE OUTPUT`. */
interface Agent {
  /** Ages the kept answer by these seconds, collects the pools if they are due, and visits. */
  readonly next: (seconds: number) => Promise<readonly string[]>;
  /** Replaces the last answer of `zpool` that is kept. */
  readonly keep: (content: string) => void;
}

function nodeAgent(t: TestContext, root: string): Agent {
  const placeDir = tempFolder(t);
  const kept = `${placeDir}/pools`;
  return {
    keep: (content) => writeFileSync(kept, content),
    next: async (seconds) => {
      age(kept, seconds);
      if (seconds === 0 || seconds >= 23 * hour)
        await poolsOfToday.run(contextOf(root, { placeDir, leftMs: () => 3000 }));
      const { checks = [] } = await devices.run(contextOf(root, { placeDir }));
      return shown(withBuiltIn(null, checks).checks);
    },
  };
}

function shellAgentOf(t: TestContext, root: string, awk: string): Agent {
  const agent = shellAgent(t, { awk, own: { zpool: `exec ${root}/usr/sbin/zpool "$@"` } });
  const visit = async (): Promise<readonly string[]> => {
    const { report, fault } = await agent.run({ root });
    assert.equal(fault, null);
    return shown(report?.checks);
  };
  return {
    keep: (content) =>
      changeNotes(agent.place, (texts) => {
        texts['pools'] = content;
      }),
    next: async (seconds) => {
      // Nothing is asked in the first hour.
      if (seconds === 0) await visit();
      ageNotes(agent.place, seconds === 0 ? 2 * hour : seconds);
      return visit();
    },
  };
}

/** Returns what the collector makes of results, the bad ones first. */
function shown(checks: readonly CheckResult[] = []): readonly string[] {
  const rows = statsOf(checks).map(resultOf);
  const bad = rows.filter(({ exit }) => exit !== 0);
  return [...bad, ...rows.filter(({ exit }) => exit === 0)].map(
    ({ name, exit, output }) => `${name} ${exit} ${output}`,
  );
}

function age(kept: string, seconds: number): void {
  if (!existsSync(kept)) return;
  writeFileSync(
    kept,
    readFileSync(kept, 'utf8').replace(/^\d+/, (text) => String(Number(text) - seconds)),
  );
}

/** Returns a machine with pools in these states, and functions that change the states and the program `zpool`. */
function machineWith(t: TestContext, states: Readonly<Record<string, string>>) {
  const root = tempFolder(t);
  const set = (pools: Readonly<Record<string, string>>): void =>
    void rootWith(
      root,
      Object.fromEntries(Object.entries(pools).map(([name, state]) => [`proc/spl/kstat/zfs/${name}/state`, state])),
    );
  const zpool = (text: string): void => {
    mkdirSync(`${root}/usr/sbin`, { recursive: true });
    writeFileSync(`${root}/usr/sbin/zpool`, `#!/bin/sh\necho "$@" >>${root}/args\n${text}\n`, { mode: 0o755 });
  };
  rootWith(root, { 'proc/uptime': '1000.00 1.00\n' });
  set(states);
  const asked = (): number =>
    existsSync(`${root}/args`) ? readFileSync(`${root}/args`, 'utf8').split('\n').length - 1 : 0;
  return { root, set, zpool, asked };
}

const agents: Readonly<Record<string, (t: TestContext, root: string) => Agent>> = {
  node: nodeAgent,
  ...Object.fromEntries(checkAwks.map((awk) => [awk, (t: TestContext, root: string) => shellAgentOf(t, root, awk)])),
};

for (const [agent, agentOn] of Object.entries(agents)) {
  const onlyNode = { skip: agent === 'node' ? false : skipUnlessWide };
  test(`what pools have left is asked once a day, and a failure ends it (${agent})`, async (t) => {
    const machine = machineWith(t, { tank: 'ONLINE\n', 'c d': 'DEGRADED\n', new: 'ONLINE\n', odd: 'ONLINE\n' });
    // The format of `zpool list -H` in zpool-list(8) and its source: a percent sign, and a dash for an unknown value.
    machine.zpool("printf 'tank\\t85%%\\t12%%\\nc d\\t0%%\\t-\\nodd\\t<b>\\t1 2%%\\textra\\nother\\t1%%\\t1%%\\n'");
    const { next } = agentOn(t, machine.root);
    const reported = [
      'zfs:c d 2 DEGRADED, 0 % used|capacity=0%',
      'zfs:new 0 ONLINE',
      'zfs:odd 0 ONLINE',
      'zfs:tank 0 ONLINE, 85 % used, 12 % fragmented|capacity=85% fragmentation=12%',
    ];
    assert.deepEqual(await next(0), reported);
    assert.equal(readFileSync(`${machine.root}/args`, 'utf8'), 'list -H -o name,capacity,fragmentation\n');
    assert.deepEqual(await next(22 * hour), reported);
    assert.equal(machine.asked(), 1);
    machine.zpool("printf 'tank\\t9%%\\t-\\n'");
    assert.equal((await next(24 * hour)).at(-1), 'zfs:tank 0 ONLINE, 9 % used|capacity=9%');
    machine.zpool('echo tank; exit 1');
    const bare = ['zfs:c d 2 DEGRADED', 'zfs:new 0 ONLINE', 'zfs:odd 0 ONLINE', 'zfs:tank 0 ONLINE'];
    assert.deepEqual(await next(24 * hour), bare);
    assert.deepEqual(await next(hour), bare);
    assert.equal(machine.asked(), 3);
  });

  test(`a suspended pool is not asked, and no answer counts for more than a week (${agent})`, onlyNode, async (t) => {
    const machine = machineWith(t, { tank: 'ONLINE\n' });
    machine.zpool("printf 'tank\\t85%%\\t12%%\\n'");
    const { next, keep } = agentOn(t, machine.root);
    const reported = 'zfs:tank 0 ONLINE, 85 % used, 12 % fragmented|capacity=85% fragmentation=12%';
    assert.deepEqual(await next(0), [reported]);
    machine.set({ away: 'SUSPENDED\n' });
    assert.deepEqual(await next(6 * 24 * hour), ['zfs:away 2 SUSPENDED', reported]);
    assert.deepEqual(await next(25 * hour), ['zfs:away 2 SUSPENDED', 'zfs:tank 0 ONLINE']);
    assert.equal(machine.asked(), 1);
    for (const content of ['', '\n', 'x\ntank\t1%\t1%\n', `${Math.floor(Date.now() / 1000) + hour}\ntank\t1%\t1%\n`]) {
      keep(content);
      assert.deepEqual(await next(60), ['zfs:away 2 SUSPENDED', 'zfs:tank 0 ONLINE'], content);
    }
  });
}
