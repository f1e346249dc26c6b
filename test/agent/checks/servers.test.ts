// Second tier: makes certificates, waits for servers that stall, and starts the shell agent
/** Checks of servers by each agent: the same state and the same first words. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { askServer } from '../../../agent/checks/ask-server.ts';
import { outputText } from '../../../agent/checks/check-output.ts';
import { readConfLine } from '../../../agent/checks/check-line.ts';
import { checkStats } from '../../../src/report/checks/checks.ts';
import type { CheckResult } from '../../../src/report/checks.ts';
import { linesOf } from '../../../src/report/shorten-script.ts';
import { checkAgents, checkClient } from '../../support/clients/check-client.ts';
import { startOddServers, type OddServers, type ServerCase } from '../../support/servers/odd-servers.ts';
import { tempFolder } from '../../support/temp-folder.ts';

let odd: OddServers;
const folder = tempFolder();

before(async () => {
  odd = await startOddServers(folder);
});
after(() => odd.stop());

/** Returns `STATE TEXT` by the name of a case, and figures that no strange text has made. */
function said(checks: readonly CheckResult[]): ReadonlyMap<string, string> {
  const rows = checkStats({ datetime: new Date().toISOString(), checks });
  return new Map(
    rows.map(({ check_name: name, state, text }) => [name.slice(name.indexOf(':') + 1), `${state} ${text}`]),
  );
}

function requireSaid(rows: ReadonlyMap<string, string>): void {
  const wrong = Object.entries(odd.cases).flatMap(([name, { state, text }]) => {
    const row = rows.get(name.replaceAll(/[^\w.:/ -]/g, '_')) ?? 'no row';
    return row.startsWith(`${state} `) && text.test(row.slice(2)) ? [] : `${name}: ${row}, wanted ${state} ${text}`;
  });
  assert.deepEqual(wrong, []);
  for (const [name, row] of rows) assert.doesNotMatch(row, /[^\n\P{Cc}]|\p{Cf}/u, name);
}

/** Returns the line of a conf file for a case. */
const lineOf = ([name, { kind, words }]: readonly [string, ServerCase]): string =>
  `${kind} "${name.replaceAll(/[^\w.:/ -]/g, '_')}" ${words}`;

test('the agent for Node.js says what is wrong with each server', async () => {
  const results: CheckResult[] = [];
  const queue = Object.entries(odd.cases).values();
  // The servers are in this process too, so that more at once would wait for each other.
  const lane = async (): Promise<void> => {
    for (const one of queue) {
      const check = readConfLine(lineOf(one));
      assert.ok(check !== null && 'command' in check, `${one[0]}: ${JSON.stringify(check)}`);
      const { exit, why, output } = await askServer(check.command, check.timeoutSeconds * 1000);
      results.push({ name: check.name, format: check.format, exit, why, output: outputText(output), age_s: 0 });
    }
  };
  await Promise.all(Array.from({ length: 16 }, lane));
  requireSaid(said(results));
});

const atOnce = 34;
for (const agent of checkAgents) {
  test(`a client's report says what is wrong with each server (${agent.name})`, async (t) => {
    const client = checkClient(t, agent);
    const lines = Object.entries(odd.cases).map(lineOf);
    const results: CheckResult[] = [];
    for (let at = 0; at < lines.length; at += atOnce) {
      client.conf(lines.slice(at, at + atOnce).join('\n'));
      const { checks, refused } = await client.visit();
      assert.deepEqual(refused, []);
      results.push(...checks);
    }
    requireSaid(said(results));
  });
}

/** Makes a folder with links to the programs of this machine except curl. */
function withoutCurl(folder: string): string {
  mkdirSync(folder);
  const names = ['/usr/bin', '/usr/sbin'].flatMap((place) => readdirSync(place).map((name) => [place, name] as const));
  for (const [place, name] of new Map(names.map((one) => [one[1], one])).values()) {
    if (name !== 'curl') symlinkSync(path.join(place, name), path.join(folder, name));
  }
  return folder;
}

function busyBoxAlone(folder: string): string {
  mkdirSync(folder);
  for (const name of execFileSync('busybox', ['--list'], { encoding: 'utf8' }).trim().split('\n')) {
    symlinkSync('/usr/bin/busybox', path.join(folder, name));
  }
  return folder;
}

/** GnuTLS speaks older versions of TLS, and wget asks for no protocol and sends a header of its own. */
const different = /^(TLS 1\.1|TLS for h2|host header)$/;
const poor = {
  'GNU wget': { shell: ['/usr/bin/dash'], programs: withoutCurl, mostMissing: 5 },
  BusyBox: { shell: ['/usr/bin/busybox', 'ash'], programs: busyBoxAlone, mostMissing: 40 },
} as const;

for (const [what, { shell, programs, mostMissing }] of Object.entries(poor)) {
  test(`without curl the shell agent says the same, or what is missing (${what})`, async (t) => {
    const dir = tempFolder(t);
    const bin = programs(path.join(dir, 'bin'));
    const text = linesOf('agent/capture/servers.sh', '#').join('\n');
    const queue = Object.entries(odd.cases).entries();
    const wrong: string[] = [];
    let missing = 0;
    const lane = async (): Promise<void> => {
      for (const [nth, one] of queue) {
        const check = readConfLine(lineOf(one));
        assert.ok(check !== null && 'command' in check);
        const { name, format, timeoutSeconds, command } = check;
        const folder = path.join(dir, String(nth));
        mkdirSync(folder);
        const words = [...shell, '-c', text, 'sh', folder, String(timeoutSeconds), ...command];
        const { stdout, status } = await ended(words, bin);
        const result = { name, format, exit: status, why: null, output: outputText(stdout), age_s: 0 };
        const [row] = checkStats({ datetime: new Date().toISOString(), checks: [result] });
        if (row?.state === 3 && row.text.endsWith(' is missing on the client')) missing += 1;
        else if (row?.state !== one[1].state && !different.test(one[0])) wrong.push(`${one[0]}: ${row?.text}`);
      }
    };
    await Promise.all(Array.from({ length: 8 }, lane));
    assert.deepEqual(wrong, []);
    assert.ok(missing <= mostMissing, `${missing} are missing`);
  });
}

/** Runs a program with a PATH to its end, and ends what it has left. */
async function ended([program = '', ...args]: readonly string[], bin: string) {
  const child = spawn(program, args, {
    env: { PATH: bin, LC_ALL: 'C' },
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const closed = once(child, 'close');
  const [status] = (await once(child, 'exit')) as [number | null];
  try {
    process.kill(-(child.pid ?? 0), 'SIGKILL');
  } catch {
    // Nothing is left.
  }
  await closed;
  return { stdout: Buffer.concat(chunks), status };
}
