// Second tier: whole programs against clients with hostile words.
/** Text from a client stays data in every output: terminal, log, JSON, database, mail. */
import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import PostalMime from 'postal-mime';

import { openSqlite } from '../../src/platform/sqlite.ts';
import type { Cause } from '../../src/storage/store/alert.ts';
import { configFolder, runBuilt, type CliResult } from '../support/programs/run-cli.ts';
import { sealedFor, startReportServer } from '../support/fleets/report-server.ts';
import { worker } from '../report/support/sample-report.ts';
import { assertInert } from './support/inert.ts';

/**
 * Hostile words, each against one reader: terminal, bidirectional text, C1 controls, lines, SQL, HTML, mail headers,
 * shell.
 */
const words = [
  '\u001b]0;owned\u0007\u001b[2J\u001b[31m',
  '\u202egnp.exe\u2066',
  '\u009b2J\u0090',
  'x\r\nBcc: victim@example.org\r\n\r\n.\r\nevent=fake',
  `'; DROP TABLE stats; --`,
  `"><script>alert(1)</script><img src=x onerror=alert(1)>`,
  '=?utf-8?q?Bcc:_victim?= <victim@example.org>',
  '$(touch owned)`touch owned`;touch owned|',
] as const;

async function station(t: TestContext) {
  const account = { username: 'u', password: 'a secret word' };
  const full = { scope: 'local', mode: 'rw', used_percent: 99 };
  const disks = words.map((word) => ({ mount: `/${word}`, fstype: word, source: word, ...full }));
  const inside = {
    boot_id: '<b>boot</b>\u001b[1m',
    agent: { version: '0\u001b[5m', cpu_ms: 1, wall_ms: 1, rss_bytes: 1 },
    worker_reports: [
      worker('os', [{ name: 'os', data: [{ hostname: words.join(' '), distribution: words[0], kernel: words[5] }] }]),
      worker('disks', [{ name: 'disk', data: disks }], words.join(' ')),
      worker('services', [
        { name: 'services', data: [{ failed_units: words.length }] },
        { name: 'failed_unit', data: words.map((unit) => ({ unit, failed: 1 })) },
      ]),
    ],
  };
  const server = await startReportServer({ ...account, reports: (request) => [sealedFor(request, inside)] });
  t.after(() => server.close());
  const dir = configFolder(
    t,
    `<config>
  <ssh username="u" password="a secret word"/>
  <alerts><mail to="ops@example.org"/></alerts>
  <client name="web-1" ip="127.0.0.1" port="${server.port}"/>
</config>
`,
  );
  mkdirSync(path.join(dir, 'state'), { mode: 0o700 });
  writeFileSync(path.join(dir, 'state', 'known_hosts'), `${server.hostKeyLine('127.0.0.1')}\n`);
  const run = async (...args: readonly string[]): Promise<CliResult> => {
    const result = await runBuilt(['-c', path.join(dir, 'config.xml'), ...args], { cwd: dir });
    for (const text of [result.stdout, result.stderr]) {
      assertInert(args.join(' '), text);
      assert.ok(!text.split('\n').some((line) => /^(Bcc:|event=fake)/.test(line)), `${args.join(' ')}: ${text}`);
    }
    return result;
  };
  return { dir, run };
}

/** Asserts that a mail goes to its recipient alone and shows the words as text. */
async function assertHarmlessMail(content: Buffer): Promise<void> {
  const mail = await PostalMime.parse(content);
  const recipients = mail.to?.map(({ address }) => address);
  assert.deepEqual(recipients, ['ops@example.org']);
  assert.equal(mail.bcc, undefined);
  assert.equal(mail.cc, undefined);
  assert.doesNotMatch(mail.html ?? '', /<script|<img|onerror=[^&]*alert\(1\)>/);
  assert.match(mail.html ?? '', /&lt;script&gt;/, 'it is there, as text');
  for (const text of [mail.subject ?? '', mail.text ?? '', mail.html ?? '']) {
    assertInert('a mail', text.replaceAll('\r\n', '\n').replaceAll('\t', ' '));
  }
  assert.doesNotMatch(mail.text ?? '', /^Bcc:/m);
}

test('words of a client do no harm in what a run prints and mails', { timeout: 120_000 }, async (t) => {
  const { dir, run } = await station(t);
  const dry = await run('collect', '--dry-run');
  assert.match(dry.stdout, /event=report/);
  await run('--json', 'collect', '--dry-run');
  const first = await run('-v', 'collect');
  assert.equal(first.status, 0, first.stderr);
  await run('collect');
  const alert = await run('-v', 'alert');
  assert.equal(alert.status, 0, alert.stderr);
  assert.deepEqual(readdirSync(dir).toSorted(), ['config.xml', 'state'], 'a shell ran what a client said');

  const outbox = path.join(dir, 'state', 'outbox');
  const mails = readdirSync(outbox);
  assert.ok(mails.length > 0, alert.stdout);
  for (const file of mails) await assertHarmlessMail(readFileSync(path.join(outbox, file)));
});

/** Names of columns that programs compare or compute with, and of columns that hold documents. */
const structural =
  /(^id|_id|_at|_since|_until|_key|_digest)$|^(state|severity|outcome|program|reader|transition|closed_reason|first_seen|report|facts|memory|content|hour|day|progress|cause|sealed_to|first_evidence|changed_by_run)$|_(state|severity)$/;

/** Returns what changed before an alert, named by a client. */
function causeOf(word: string): Cause {
  const set = { more: 2, moreKind: word, earliestAtMs: 0, latestAtMs: 0, beforeMs: 60_000, group: 'web', chance: 0.01 };
  const change = { kind: 'package', item: word, before: word, after: word, failing: [1, 1], others: [0, 9] } as const;
  return { atMs: Date.now(), changes: [{ ...set, ...change }], allOf: word, configBeforeMs: null };
}

/** Appends the words to each column of free text, and to the cause of alerts. Returns the number of columns. */
function soilColumns(file: string): number {
  const database = openSqlite(file);
  const tablesSql = "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'";
  const tables = database.prepare(tablesSql).all();
  let columns = 0;
  for (const { name: table } of tables) {
    if (table === 'leases' || table === 'migrations') continue;
    for (const { name, type } of database.prepare(`PRAGMA table_info(${String(table)})`).all()) {
      if (type !== 'TEXT' || structural.test(String(name)) || (table === 'runs' && name === 'scope')) continue;
      const column = String(name);
      database
        .prepare(`UPDATE ${String(table)} SET ${column} = ${column} || ? WHERE ${column} IS NOT NULL`)
        .run(words.join(' '));
      columns += 1;
    }
  }
  database.prepare('UPDATE alerts SET cause = ?').run(JSON.stringify(causeOf(words.join(' '))));
  database.close();
  return columns;
}

test('words in any text column of the database do no harm in any output', { timeout: 120_000 }, async (t) => {
  const { dir, run } = await station(t);
  await run('collect');
  await run('alert');
  await run('silence', 'add', '--client', 'web-1', '--until', '2h', '--comment', 'why');
  const columns = soilColumns(path.join(dir, 'state', 'fleet.db'));
  assert.ok(columns >= 39, `${columns} columns`);
  const commands = [
    'status',
    'alerts',
    'explain',
    'mail list',
    'changes',
    'changes --have DROP',
    'silence list',
    'check',
    'keys list',
    'prune --dry-run',
  ];
  const more = ['alert --dry-run', 'collect', 'alert', 'alerts --all', 'explain web-1', 'status'];
  const printed = new Map<string, string>();
  for (const command of [...commands, ...more]) {
    for (const option of ['-v', '--json']) {
      const { stdout, stderr } = await run(option, ...command.split(' '));
      printed.set(command, `${printed.get(command) ?? ''}${stdout}${stderr}`);
    }
  }
  for (const command of ['status', 'alerts', 'silence list']) {
    assert.match(printed.get(command) ?? '', /DROP TABLE/, `${command} shows none of it`);
  }
});
