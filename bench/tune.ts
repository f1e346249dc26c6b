import { writeFileSync } from 'node:fs';
import path from 'node:path';

import { dayMs, hourMs, minuteMs } from '../src/platform/units.ts';
import { insertRows, type Values } from '../src/storage/sql/insert-rows.ts';
import { sqlTime } from '../src/storage/sql/sql-time.ts';
import { costOf, inTemporaryFolder, program, run } from './children.ts';
import { atMost, forInformation, measured, type BenchOptions, type BenchResult, type Figure } from './figure.ts';
import { makeRows, withSession } from './made-rows.ts';
import { onDatabases, type BenchDatabase } from './on-databases.ts';

/** 150 alerts a day, each of which is two mails. */
const [alerts, clients, years, rounds] = [274_000, 1000, 5, 5];
/** The usual mail in bytes. */
const mailBytes = 6000;
/** The rules of the alerts in turn, with the limit and the usual length of each. */
const rules = [
  ['load', 'at least 8 per CPU', 40 * minuteMs],
  ['memory', 'at least 97 %', 30 * minuteMs],
  ['unreachable', '', 25 * minuteMs],
  ['disk', 'at least 95 %', 9 * hourMs],
] as const;
const alertsAtOnce = 2000;

/** Measures `tune` without its replay, on five years of alerts of 1,000 clients, each in two mails. */
export async function benchTune(options: BenchOptions): Promise<BenchResult> {
  const { quick, say } = options;
  const count = quick ? 200 : alerts;
  const figures: Figure[] = [];
  await onDatabases(options, async (database) => {
    await fill(database, count);
    say(`${database.name}: ${count} alerts and ${2 * count} mails`);
    await inTemporaryFolder((dir) => {
      const config = configOf(dir, database);
      const seconds = (since: string): readonly number[] => {
        const tune = (): void => void run(program, ['-c', config, 'tune', '--no-replay', '--since', since]);
        // The first one reads the pages into the cache.
        tune();
        return Array.from({ length: quick ? 1 : rounds }, () => costOf(tune).wallMs / 1000);
      };
      const what = (span: string): string =>
        `tune --no-replay over ${span}, of 1,000 clients with five years of alerts, ${database.name}`;
      const name = `tune-${database.name.toLowerCase()}`;
      const month = { ...forInformation(name, what('30 days'), 's'), target: atMost(2) };
      figures.push(measured(month, seconds('30d')));
      figures.push(measured(forInformation(`${name}-5y`, what('five years'), 's'), seconds('5y')));
    });
  });
  return { figures, series: [] };
}

function configOf(dir: string, { config, server }: BenchDatabase): string {
  const storage =
    config.kind === 'sqlite'
      ? `url="sqlite:${config.path}"`
      : `url="${server?.database.url ?? ''}" password="${server?.database.password ?? ''}"`;
  const names = `web-[0-${clients - 1}]`;
  const file = path.join(dir, 'config.xml');
  writeFileSync(
    file,
    `<config><storage ${storage}/><alerts><mail to="ops@example.org"/><alert type="load" limit="8"/></alerts>
      <client name="${names}" ip="${names}.example.org" username="u"/></config>`,
    { mode: 0o600 },
  );
  return file;
}

async function fill({ config }: BenchDatabase, count: number): Promise<void> {
  await makeRows(config, { clients, rowsPerClient: 1, mounts: [], processed: true, visitsPerClient: 1 });
  const startMs = Date.now() - years * 365 * dayMs;
  const stepMs = (years * 365 * dayMs) / count;
  for (let first = 0; first < count; first += alertsAtOnce) {
    const rows = Array.from({ length: Math.min(alertsAtOnce, count - first) }, (_, index) =>
      rowsOf(first + index, startMs + (first + index) * stepMs),
    );
    await withSession(config, async (session) => {
      await insertRows(
        session,
        'alerts',
        rows.map((one) => one.alert),
      );
      await insertRows(
        session,
        'mails',
        rows.flatMap((one) => one.mails),
      );
      await insertRows(
        session,
        'notifications',
        rows.flatMap((one) => one.notifications),
      );
    });
  }
}

interface AlertRows {
  readonly alert: Values;
  readonly mails: readonly Values[];
  readonly notifications: readonly Values[];
}

/** Returns the rows of an alert of which somebody was told at its begin and its end. */
function rowsOf(number: number, beganMs: number): AlertRows {
  const [rule, limit, usualMs] = rules[number % rules.length] ?? rules[0];
  const client = `web-${(number * 7) % clients}`;
  const endedMs = beganMs + usualMs * (0.5 + ((number * 37) % 101) / 100);
  const id = number + 1;
  const told = (['firing', 'resolved'] as const).map((transition, index) => ({
    ...{ transition, mailId: 2 * number + index + 1, at: sqlTime(index === 0 ? beganMs : endedMs) },
  }));
  return {
    alert: {
      ...{ id, client, rule, subject: rule === 'disk' ? '/var' : '', alert_key: `${client} ${rule}`, sequence: 2 },
      ...{ severity: 'critical', state: 'resolved', value: 99, limit_text: limit, closed_out: 1 },
      ...{ closed_reason: 'recovered', pending_since: sqlTime(beganMs), firing_since: sqlTime(beganMs) },
      resolved_at: sqlTime(endedMs),
    },
    mails: told.map(({ mailId, at }) => ({
      ...{ id: mailId, recipient: 'ops@example.org', message_id: `<${mailId}@example.org>`, ordinary: 1 },
      ...{ severity: 'critical', content: 'x'.repeat(mailBytes), created_at: at, sent_at: at },
    })),
    notifications: told.map(({ transition, mailId }, index) => ({
      ...{ id: mailId, alert_id: id, sequence: index + 1, recipient: 'ops@example.org', transition, mail_id: mailId },
    })),
  };
}
