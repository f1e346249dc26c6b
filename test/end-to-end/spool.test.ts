// Second tier: a client's own cron through the program.
/** The crontab line that `spool` prints, up to the mail about past alerts after half an hour without the collector. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test, type TestContext } from 'node:test';

import { noRunId } from '../../src/report/report.ts';
import { runBuilt, type CliResult } from '../support/programs/run-cli.ts';
import { commandOfLine, runAsCron } from '../support/clients/spool-line.ts';
import { databaseKinds, listing, type Site } from './support/whole-fleet.ts';

const minuteMs = 60_000;
const skip = process.getuid?.() === 0 ? false : 'needs root, for a clock of its own since the boot';

const hourMs = 60 * minuteMs;

/**
 * Returns a command for a time namespace in which this machine booted three hours earlier, less `agoMs`. The machine
 * itself may have been booted a minute ago.
 */
const bootedEarlier = (agoMs: number): readonly string[] => [
  '/usr/bin/unshare',
  ...['-m', '--time', '--fork', '--boottime', String((3 * hourMs - agoMs) / 1000)],
];

/** The command that runs the line now. */
const cron = [...bootedEarlier(0), '/bin/sh'];

/** Runs the program with the site's folder as the account's home. */
const run = ({ dir }: Site, ...args: readonly string[]): Promise<CliResult> =>
  runBuilt(args, { cwd: dir, env: { HOME: dir }, within: bootedEarlier(0) });

async function said(site: Site, ...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await run(site, ...args);
  assert.deepEqual([status, stderr], [0, ''], `${args.join(' ')}: ${stdout}`);
  return stdout;
}

interface Clock {
  readonly agoMs: number;
  readonly boot?: string;
}

/** Runs the line as cron did `agoMs` ago by the clock that counts from the boot. The wall clock is not changed. */
function cronRan(site: Site, line: string, { agoMs, boot }: Clock): void {
  const mounts: string[] = [];
  if (boot !== undefined) {
    const file = path.join(site.dir, 'boot-id');
    writeFileSync(file, `${boot}\n`);
    mounts.push(`mount --bind ${file} /proc/sys/kernel/random/boot_id &&`);
  }
  const shell = [...bootedEarlier(agoMs), '/bin/sh', '-c', `${mounts.join(' ')} exec /bin/sh "$@"`, 'sh'];
  assert.deepEqual(runAsCron(line, { home: site.dir, shell }), { status: 0, said: '' });
}

/** Returns the sealed reports that wait on the machine. */
const sealedIn = (site: Site): readonly string[] =>
  listing(path.join(site.dir, '.local/state/fleet-health')).filter((one) => one.includes('.fhs '));

/** Returns the crontab line, once the collector has visited the machine after a first run of the line. */
async function lineInUse(site: Site): Promise<string> {
  mkdirSync(path.join(site.dir, 'bin'));
  const line = (await said(site, 'spool', 'web-1')).trimEnd().split('\n').at(-1) ?? '';
  assert.ok(commandOfLine(line).endsWith(' >/dev/null 2>&1'));
  await said(site, 'collect');
  assert.equal(runAsCron(line, { home: site.dir, shell: cron }).status, 0);
  await said(site, 'collect');
  await said(site, 'alert');
  return line;
}

interface Outage {
  readonly beganMs: number;
  readonly endedMs: number;
}

/** The minutes before now at which cron runs during the outage. The process runs away at the first two. */
const outageMinutes = [30, 25, 20, 15] as const;

/** Runs the line as cron would during half an hour without the collector, and once before the last boot. */
async function passOutage(t: TestContext, site: Site, line: string): Promise<Outage> {
  const program = path.join(site.dir, 'bin/fh-runaway');
  copyFileSync('/bin/sleep', program);
  const runaway = spawn(program, ['600'], { stdio: 'ignore' });
  t.after(() => runaway.kill('SIGKILL'));
  await once(runaway, 'spawn');
  const beganMs = Date.now();
  for (const minutes of outageMinutes) {
    if (minutes === 20) {
      runaway.kill('SIGKILL');
      await once(runaway, 'exit');
    }
    cronRan(site, line, { agoMs: minutes * minuteMs });
  }
  // For the time before a boot only the wall clock counts, and it is right.
  cronRan(site, line, { agoMs: 90 * minuteMs, boot: '11111111-1111-4111-8111-111111111111' });
  return { beganMs, endedMs: Date.now() };
}

/** Asserts that the reports of the outage are stored with the times at which cron ran. */
async function assertHistory(site: Site, { beganMs, endedMs }: Outage): Promise<void> {
  const rows = await site.rows('SELECT run_id, observed_at FROM stats ORDER BY observed_at');
  const isAlone = rows.map(({ run_id }) => run_id === noRunId);
  assert.deepEqual(isAlone, [true, true, true, true, false, false, true, false]);
  const times = rows.map(({ observed_at }) => Date.parse(`${String(observed_at).replace(' ', 'T')}Z`));
  for (const [index, minutes] of outageMinutes.entries()) {
    const atMs = (times[index] ?? 0) + minutes * minuteMs;
    assert.ok(atMs > beganMs - 1000 && atMs < endedMs + 1000, `${index}: ${String(rows[index]?.['observed_at'])}`);
  }
  const beforeBoot = times[6] ?? 0;
  assert.ok(beforeBoot > beganMs && beforeBoot < endedMs + 1000);
  assert.equal((await site.rows('SELECT id FROM visits WHERE ok = 0')).length, 0);
}

/** Asserts that one mail tells of the runaway process as past, and that the process fires no alert. */
async function assertNotifiedAsPast(site: Site): Promise<void> {
  const outbox = path.join(site.stateDir, 'outbox');
  const mails = readdirSync(outbox).map((name) => readFileSync(path.join(outbox, name), 'utf8'));
  const past = mails.filter((mail) => mail.includes('OVER ALREADY'));
  assert.equal(past.length, 1, mails.join('\n'));
  assert.match(past[0] ?? '', /web-1: runaway fh-runaway[^]*\(15 minutes\)/);
  const still = JSON.parse(await said(site, '--json', 'alerts')) as { alerts: readonly { rule: string }[] };
  const runaways = still.alerts.filter(({ rule }) => rule === 'runaway');
  assert.deepEqual(runaways, []);
}

const siteText = `<collector every="5m"/><ssh transport="local"/>
  <alerts zone="UTC" groupInterval="0s" defaults="no"><mail to="ops@example.org"/>
    <alert name="runaway" type="process" match="fh-runaway" max="0" for="1x" severity="warning"/></alerts>
  <client name="web-1" ip="127.0.0.1"/>`;

suite('reports of a crontab, with the program alone', { skip }, () => {
  for (const kind of databaseKinds()) {
    test(
      `the history of an outage comes home, and is notified as past (${kind.name})`,
      { skip: kind.skip },
      async (t) => {
        const site = await kind.site(t, siteText);
        const line = await lineInUse(site);

        // While the collector is present, the line has nothing to do.
        assert.equal(runAsCron(line, { home: site.dir, shell: cron }).status, 0);
        assert.deepEqual(sealedIn(site), []);
        const outage = await passOutage(t, site, line);
        assert.equal(sealedIn(site).length, 5);

        await said(site, 'keys', 'rotate');
        await said(site, 'collect');
        assert.deepEqual(sealedIn(site), []);
        await assertHistory(site, outage);
        await said(site, 'alert');
        await assertNotifiedAsPast(site);

        assert.match(
          await said(site, 'cleanup', '--yes'),
          /KiB removed\n[^]*a crontab there may still have the line of fleet-health spool.*spool web-1 --remove prints/,
        );
        assert.equal(runAsCron(line, { home: site.dir, shell: cron }).status, 1, 'there is nothing to do');
        assert.deepEqual(listing(path.join(site.dir, '.local/state')), []);
      },
    );
  }
});
