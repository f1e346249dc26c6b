/**
 * The documents say something of everything of its kind: each command that prints JSON, each condition, each format.
 */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { devicePlaces } from '../agent/probes/devices.ts';
import { notifyingSteps } from '../src/alerter/dispatch/plan-notifications.ts';
import { holdReasons } from '../src/alerter/inhibit/hold-reason.ts';
import { webhookFormats } from '../src/config/channel-config.ts';
import { builtinRules } from '../src/config/rules/builtin-rules.ts';
import { importKinds } from '../src/cli/import/import-kinds.ts';
import { formats } from '../src/notify/webhook/formats.ts';
import { packageDir, statePaths } from '../src/state-folder/paths.ts';
import { pluck } from './support/pluck.ts';
import { commandNames } from './support/programs/command-names.ts';
import { documentedWalks } from './walks/documented-walks.ts';

const read = (name: string): string => readFileSync(path.join(packageDir, 'docs', name), 'utf8');

test('docs/json.md has a section for every command, in which every subcommand is named', () => {
  const sections = read('json.md')
    .split(/^## /m)
    .slice(1)
    .map((text) => ({ names: text.slice(0, text.indexOf('\n')).split(', '), text }));
  for (const command of commandNames()) {
    const [name = '', sub] = command.split(' ');
    const section = sections.find(({ names }) => names.includes(name));
    assert.ok(section !== undefined, `docs/json.md lacks a section "## ${name}"`);
    const isNamed = sub === undefined || section.text.includes(`\`${sub}\``) || section.text.includes(`\`${command}\``);
    assert.ok(isNamed, `docs/json.md lacks ${command}`);
  }
  const known = new Set(commandNames().map((command) => command.split(' ')[0]));
  for (const { names } of sections) for (const name of names) assert.ok(known.has(name), `there is no command ${name}`);
});

test('crontab.example is for crontab -e; lines of docs/installation.md for /etc/cron.d name the account', () => {
  const command = '(?:sleep \\d+; )?fleet-health (?:-q )?-c \\S+ (?:collect|alert|ingest)(?: >>\\S+ 2>&1)?';
  const time = '(?:[\\d*/-]+ +){5}';
  const own = /^(?:# )?[\d*].*$/gm;
  const lines = read('../crontab.example').match(own) ?? [];
  assert.equal(lines.length, 3);
  for (const line of lines) assert.match(line.replace('# ', ''), new RegExp(`^${time}${command}$`));
  const shown = read('installation.md').match(/^ {4}(?:[\d*/-]+ +){5}\S.*$/gm) ?? [];
  assert.equal(shown.length, 3);
  for (const line of shown) assert.match(line, new RegExp(`^ {4}${time}fleet-health +${command}$`));
});

test('docs/alerts.md names every rule that holds without being written, as it is', () => {
  const row = /^\| `([a-z-]+)` +\| (\w+)/gm;
  const written = [...read('alerts.md').matchAll(row)].map(([, name, severity]) => `${name} ${severity}`);
  const rules = builtinRules(300_000).map(({ name, attributes }) => {
    return `${name} ${attributes['severity'] ?? (attributes['critical'] === undefined ? 'critical' : 'both')}`;
  });
  assert.deepEqual(written.toSorted(), rules.toSorted());
});

test('docs/alerts.md has the steps of notifying in their order, and each step that holds back is one of them', () => {
  const [, list = ''] = read('alerts.md').split('walks these steps in this order;');
  const [numbered = ''] = list.split('\nSome alerts replace others');
  const written = [...numbered.matchAll(/^\d\. (.*(?:\n {3}.*)*)/gm)].map(([, text = '']) =>
    text.replaceAll(/\s+/g, ' '),
  );
  assert.deepEqual(written, pluck(notifyingSteps, 'sentence'));
  const holding = new Set(pluck(Object.values(holdReasons), 'by'));
  const names = pluck(notifyingSteps, 'name');
  assert.deepEqual(
    names.filter((name) => holding.has(name)),
    ['compare', 'hold', 'replace', 'postpone'],
  );
});

/** Returns what stands in backticks in the first cells of a table, which is known by its titles. */
function firstCells(text: string, titles: string): readonly string[] {
  const [, rows = ''] = text.split(`| ${titles} |\n`);
  const [table = ''] = rows.split('\n\n');
  return table
    .split('\n')
    .flatMap((row) => [...(row.split(' | ')[0] ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? ''));
}

test('each format whose URL has a token or a target says how it is written', () => {
  for (const format of webhookFormats) {
    const { place, words } = formats[format];
    assert.equal(words.url !== undefined, place !== undefined, format);
  }
});

test('docs/import.md has a row for every kind of lists', () => {
  const rows = firstCells(read('import.md'), 'list | read from | taken');
  assert.deepEqual(rows.toSorted(), [...importKinds].toSorted());
});

test('docs/checks.md has a row for every kind of devices', () => {
  const rows = firstCells(read('checks.md'), 'check | from | WARNING | CRITICAL').map(
    (name) => name.split(':')[0] ?? '',
  );
  const missing = devicePlaces.filter(([kind]) => !rows.includes(kind));
  assert.deepEqual(missing, []);
});

test('docs/operations.md names everything that the state folder can hold', () => {
  const text = read('operations.md');
  const section = /^## The state folder\n(.*)/ms.exec(text)?.[1] ?? '';
  const named = [...section.matchAll(/`([\w.-]+)\/?`/g)].map(([, name]) => name);
  const { dir, ...places } = statePaths('/state');
  for (const place of Object.values(places)) {
    assert.ok(named.includes(path.relative(dir, place)), `the section "The state folder" lacks ${place}`);
  }
});

/** Sentences for one page alone. The others link to the page, because copies of a figure or a step age apart. */
const explainedOnce = [
  { page: 'installation.md', what: /\bGRANT [A-Z]/ },
  { page: 'operations.md', what: /migrations only add|migrate --check` of the new version/ },
  {
    page: 'reliability.md',
    what: /(?:rows|stored|`keepStored`|keepStored>`)[^.|]{0,40}[ (](?:15 minutes|quarter of an hour)/,
  },
  { page: 'reporting.md', what: /\b3,?000 (?:reports|or 8 MiB)|8 MiB, (?:and )?30 days/ },
  { page: 'ssh.md', what: /MaxStartups` \(10:30|PerSourcePenalties` \(OpenSSH|PerSourcePenaltyExemptList 192/ },
];

for (const { page, what } of explainedOnce) {
  test(`only docs/${page} explains what matches ${what}`, () => {
    const pages = readdirSync(path.join(packageDir, 'docs')).filter((name) => name.endsWith('.md'));
    const texts = new Map(pages.map((name) => [`docs/${name}`, read(name)]));
    for (const name of ['README.md', 'ARCHITECTURE.md', 'config.xml']) texts.set(name, read(`../${name}`));
    const found = [...texts].filter(([, text]) => what.test(text.replaceAll(/\n */g, ' ')));
    assert.deepEqual(
      found.map(([name]) => name),
      [`docs/${page}`],
    );
  });
}

test('no script names the host of a mirror: packages come from where the machine is set up to have them', () => {
  const scripts = ['test', 'test/machines', 'build/packages', '.ci'].flatMap((folder) =>
    readdirSync(path.join(packageDir, folder), { withFileTypes: true }).flatMap((entry) =>
      entry.isFile() && /^(?:run|.*\.sh)$/.test(entry.name) ? [path.join(folder, entry.name)] : [],
    ),
  );
  assert.ok(scripts.includes('test/mirror.sh') && scripts.includes('.ci/run'));
  for (const script of scripts) {
    assert.doesNotMatch(readFileSync(path.join(packageDir, script), 'utf8'), /(?:https?|ftp):\/\//, script);
  }
});

test('nobody has to open more files than these to follow a value', () => {
  const limits = [36, 40, 60];
  const walks = [...documentedWalks()];
  assert.equal(walks.length, limits.length);
  for (const [index, [title, files]] of walks.entries()) {
    assert.ok(files.length > 20 && files.length <= (limits[index] ?? 0), `${title}: ${files.length} files`);
    assert.equal(new Set(files).size, files.length, title);
    const missing = files.filter((file) => !existsSync(path.join(packageDir, 'src', `${file}.ts`)));
    assert.deepEqual(missing, [], title);
  }
});
