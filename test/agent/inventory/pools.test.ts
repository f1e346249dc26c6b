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
    existsSync(`${root}/args`) ? (readFileSync(`${root}/args`, 'utf8').match(/^list /gm)?.length ?? 0) : 0;
  return { root, set, zpool, asked };
}

/** The answer of `zpool status` in the form of zpool-status(8). */
const status = `  pool: tank
 state: ONLINE
status: One or more devices has experienced an unrecoverable error.  An
\tattempt WAS made to correct the error.  Applications are unaffected.
action: Determine if the device needs to be replaced, and clear the errors
\tusing 'zpool clear' or replace the device with 'zpool replace'.
  scan: scrub repaired 0B in 00:54:14 with 0 errors on Mon May 30 22:52:10 2022
config:

\tNAME        STATE     READ WRITE CKSUM
\ttank        ONLINE       0     0     0
\t  mirror-0  ONLINE       0     0    33
\t    sda     ONLINE       0     0     0
\t    sdb     ONLINE       0     0    33
\tspecial\t
\t  sdc       ONLINE       0     0     0
\tcache
\t  sde       FAULTED      0     0     0  corrupted data
\tspares
\t  sdf       AVAIL
\t  sdg       INUSE     currently in use

errors: No known data errors

  pool: c d
 state: ONLINE
config:

\tNAME        STATE     READ WRITE CKSUM
\tc d         ONLINE       0     0     0
\t  sdx       ONLINE       0     0     0

errors: 12 data errors, use '-v' for a list

  pool: fine
 state: ONLINE
  scan: none requested
config:

\tNAME        STATE     READ WRITE CKSUM
\tfine        ONLINE       0     0     0
\t  sdz       ONLINE       0     0     0

errors: No known data errors

  pool: many
 state: DEGRADED
config:

\tNAME                     STATE     READ WRITE CKSUM
\tmany                     DEGRADED     0     0     0
\t  raidz2-0               DEGRADED     3 1.20K     2
\t    a                    UNAVAIL      3 1.20K     0  was /dev/sda1
\t    b                    OFFLINE      0     0     0
\t    c                    FAULTED      0     0     2  too many errors
\t    d                    REMOVED      0     0     0

errors: List of errors unavailable: permission denied
`;

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
    assert.equal(readFileSync(`${machine.root}/args`, 'utf8'), 'list -H -o name,capacity,fragmentation\nstatus\n');
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

  test(`disks with errors in a pool that is ONLINE, and damaged data (${agent})`, async (t) => {
    const machine = machineWith(t, { tank: 'ONLINE\n', 'c d': 'ONLINE\n', fine: 'ONLINE\n', many: 'DEGRADED\n' });
    writeFileSync(`${machine.root}/status`, status);
    machine.zpool(
      `[ "$1" = list ] || exec cat ${machine.root}/status\nfor x in tank 'c d' fine many; do printf '%s\\t1%%\\t-\\n' "$x"; done`,
    );
    const { next } = agentOn(t, machine.root);
    const reported = (hours: number): readonly string[] => [
      `zfs:c d 2 ONLINE, 1 % used, 12 damaged files or blocks, as of ${hours} h ago|capacity=1%`,
      `zfs:many 2 DEGRADED, 1 % used, a UNAVAIL 3 read errors 1.20K write errors, b OFFLINE, c FAULTED 2 checksum errors, ` +
        `1 more disks, as of ${hours} h ago|capacity=1%`,
      `zfs:tank 1 ONLINE, 1 % used, sdb 33 checksum errors, sde FAULTED, as of ${hours} h ago|capacity=1%`,
      'zfs:fine 0 ONLINE, 1 % used|capacity=1%',
    ];
    assert.deepEqual(await next(0), reported(0));
    assert.deepEqual(await next(22 * hour), reported(22));
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
