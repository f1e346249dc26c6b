import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { clock } from '../../../agent/probes/clock.ts';
import { isWide } from '../../support/long-tests.ts';
import { shellAgent } from '../../support/clients/shell-report.ts';
import { contextOf, onlyRow } from './fixture-context.ts';
import { tempFolder } from '../../support/temp-folder.ts';

const hourMs = 3_600_000;

/** Both agents have the code that reads a capture; with `isAlike` only the second tier visits with the shell agent. */
for (const { what, files, expected, ...more } of [
  { what: 'timesyncd that heard a server lately', files: { '/run/systemd/timesync/synchronized': 0.5 }, expected: 1 },
  {
    what: 'timesyncd that heard none for long',
    files: { '/run/systemd/timesync/synchronized': 5 },
    expected: 0,
    isAlike: true,
  },
  {
    what: 'timesyncd that never heard one',
    files: { '/run/systemd/timesync/other': 0 },
    expected: 0,
    isAlike: true,
  },
  { what: 'chrony that wrote its drift lately', files: { '/var/lib/chrony/drift': 1 }, expected: 1 },
  {
    what: 'chrony that wrote it long ago',
    files: { '/var/lib/chrony/chrony.drift': 30 },
    expected: null,
    isAlike: true,
  },
  { what: 'ntpd', files: { '/var/lib/ntp/ntp.drift': 1 }, expected: 1 },
  { what: "Red Hat's ntpd", files: { '/var/lib/ntp/drift': 1 }, expected: 1 },
  { what: "SUSE's ntpd", files: { '/var/lib/ntp/drift/ntp.drift': 1 }, expected: 1, isAlike: true },
] as const) {
  test(`${what}: ${expected}`, async (t) => {
    const root = tempFolder(t);
    for (const [file, hoursAgo] of Object.entries(files)) {
      mkdirSync(path.dirname(root + file), { recursive: true });
      writeFileSync(root + file, '');
      const when = new Date(Date.now() - hoursAgo * hourMs);
      utimesSync(root + file, when, when);
    }
    assert.equal(onlyRow((await clock.run(contextOf(root))).functions, 'clock')['synchronised'], expected);
    if (isWide || !('isAlike' in more)) assert.equal(await ofShell(t, root), expected);
  });
}

async function ofShell(t: TestContext, root: string, bin?: string): Promise<unknown> {
  const agent = shellAgent(t);
  if (bin !== undefined) symlinkSync(bin, path.join(agent.bin, 'chronyc'));
  const { report } = await agent.run({ root });
  const families = (report?.worker_reports ?? []).flatMap(({ function_reports }) => function_reports);
  return onlyRow(families, 'clock')['synchronised'];
}

const answers: readonly {
  readonly what: string;
  readonly script: string;
  readonly expected: number | null;
  /** True if the first tier visits with the shell agent too. */
  readonly isTelling?: true;
}[] = [
  {
    what: 'follows a source',
    script: 'echo "Stratum         : 3"; echo "Leap status     : Normal"',
    expected: 1,
    isTelling: true,
  },
  { what: 'follows none', script: 'echo "Leap status     : Not synchronised"', expected: 0 },
  { what: 'does not answer chronyc', script: 'echo "506 Cannot talk to daemon"; exit 1', expected: null },
  {
    what: 'does not answer chronyc in time',
    script: 'echo "Leap status     : Normal"; exec sleep 30',
    expected: null,
    isTelling: true,
  },
];

for (const { what, script, expected, isTelling } of answers) {
  test(`chronyd that ${what}: ${expected}`, async (t) => {
    const root = tempFolder(t);
    const program = path.join(root, 'usr/bin/chronyc');
    mkdirSync(path.dirname(program), { recursive: true });
    mkdirSync(path.join(root, 'run/chrony'), { recursive: true });
    writeFileSync(program, `#!/bin/sh\n[ "$*" = "-n tracking" ] || exit 2\n${script}\n`);
    chmodSync(program, 0o755);
    assert.equal(onlyRow((await clock.run(contextOf(root))).functions, 'clock')['synchronised'], expected);
    if (isWide || isTelling) assert.equal(await ofShell(t, root, program), expected);
  });
}
