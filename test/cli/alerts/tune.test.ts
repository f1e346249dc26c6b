// Second tier: weeks of rows, played again and again.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test, type TestContext } from 'node:test';

import { tune, type TuneOptions, type TuneResult } from '../../../src/alerter/tune/tune.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import type { ConfigTree } from '../../../src/config/xml/include.ts';
import type { Alert } from '../../../src/storage/store/alert.ts';
import { alert, mail, stored } from '../../storage/support/alert-samples.ts';
import { alertFolder, type AlertFolderOptions } from '../support/stored-alerts.ts';

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const beganMs = Date.now() - 24 * dayMs;
const config = [
  '<config>',
  '<alerts zone="UTC"><mail to="ops@example.org"/></alerts>',
  '<client name="web-1" ip="192.0.2.1" username="u"><alert type="memory" limit="90%"/></client>',
  '</config>',
].join('\n');

/** Two bad rows, once in two days, and before them one of another limit. */
const alerts = Array.from({ length: 13 }, (_, index): Alert => {
  const pendingSinceMs = beganMs + index * 1.8 * dayMs;
  return alert({
    ...{ rule: 'memory', subject: '', state: 'resolved', closedReason: 'recovered', pendingSinceMs },
    ...{ firingSinceMs: pendingSinceMs, resolvedAtMs: pendingSinceMs + 900_000 },
    limitText: index === 0 ? 'at least 85 %' : 'at least 90 %',
  });
});

async function toldFolder(t: TestContext, more: Partial<AlertFolderOptions> = {}) {
  const mails = alerts.map((_, index) =>
    mail({ messageId: `<${index}>`, notifications: [stored({ alertId: index + 1 })] }),
  );
  return await alertFolder(t, { config, alerts, plan: { mails }, ...more });
}

test('tune proposes an edit of a line, and lists what would not have been told', async (t) => {
  const { said } = await toldFolder(t);
  const text = await said('tune', '--no-replay');
  assert.match(
    text,
    /^Since \d{4}-\d\d-\d\d \(30 days\): 13 mails, \d+ of them at night \(22:00 to 07:00 UTC\)\. 13 were about noise: /,
  );
  assert.match(text, /^memory +web-1 +12 +15m +config\.xml:3 {2}for="3x" +0\* +10m$/m);
  assert.match(text, /^ {4}counted since \d{4}-.*: the limit was another one before$/m);
  assert.match(text, /^1 mail of these on no line: today's rules would not send them, or the rule or client /m);
  assert.match(text, /\* Not verified: without a replay\./);
  assert.match(await said('tune'), /\* Not verified: there are no rows to replay\./);
  const listed = (await said('tune', '--show', 'mem*')).trimEnd().split('\n');
  assert.equal(
    listed[0],
    'memory (web-1), config.xml:3 for="3x": 12 of 12 alerts would not have been told; the longest lasted 15m.',
  );
  assert.equal(listed.length, 14);
  assert.match(listed[2] ?? '', /^\d{4}-\d\d-\d\d \d\d:\d\d +15m +web-1 +critical +13$/);
});

test('tune says whose noise a change for several quiets, of how many, and why lines add up to more', async (t) => {
  const rule = (type: string): string => `<alert type="${type}" limit="90%"/>`;
  const fleet = config
    .replace('</alerts>', `${rule('memory')}${rule('swap')}</alerts>`)
    .replace(
      /<client.*/,
      '<client name="build-[1-4]" ip="192.0.2.[1-4]" username="u"/><client name="db-1" ip="192.0.2.9" username="u"/>',
    );
  const of = (client: string, name: string): readonly Alert[] =>
    alerts.map((one) => ({ ...one, client, rule: name, limitText: 'at least 90 %' }));
  const both = [...of('build-1', 'memory'), ...of('build-1', 'swap'), ...of('build-2', 'memory').slice(0, 1)];
  const mails = [...alerts.keys(), 26].map((at) =>
    mail({
      messageId: `<${at}>`,
      notifications: [at + 1, ...(at < 13 ? [at + 14] : [])].map((alertId) => stored({ alertId })),
    }),
  );
  const { said } = await toldFolder(t, { config: fleet, alerts: both, plan: { mails } });
  const text = await said('tune', '--no-replay');
  assert.match(text, /: 14 mails, /);
  assert.match(text, /^memory +build-\* \(2 of 4\) +14 /m);
  assert.match(text, /^swap +build-1 +13 /m);
  assert.match(text, /^ +its noise is that of build-1: 13 of 14 alerts; the change is for all of these clients$/m);
  const sum = 'A mail about several rules counts on the line of each: the lines add up to 27, of 14 mails.';
  assert.ok(text.includes(sum), text);
  const apart = [...of('build-1', 'memory'), ...of('db-1', 'memory').slice(0, 1)];
  const other = await toldFolder(t, {
    config: fleet,
    alerts: apart,
    plan: {
      mails: mails
        .slice(0, 13)
        .map((one, at) => ({ ...one, notifications: [stored({ alertId: at === 12 ? 14 : at + 1 })] })),
    },
  });
  const named = await other.said('tune', '--no-replay');
  assert.match(named, /^memory +2 of 5 clients +13 /m);
  assert.ok(!named.includes('counts on the line of each'), named);
});

test('tune names an <alert> that is among others on its line', async (t) => {
  const { said } = await toldFolder(t, {
    config: config.replace('</client>', '<alert type="load" limit="2"/></client>'),
  });
  assert.match(
    await said('tune', '--no-replay'),
    /for="3x" .*\n {4}of the <alert>s on this line: <alert type="memory" limit="90%">$/m,
  );
  assert.match(await said('tune', '--show', 'memory'), /config\.xml:3 <alert type="memory" limit="90%"> for="3x": /);
});

test('tune counts mailboxes, and says and lists what blocks an edit', async (t) => {
  const boot = alert({
    ...{ rule: 'rebooted', subject: '', state: 'resolved', closedReason: 'event' },
    ...{ pendingSinceMs: (alerts[4]?.pendingSinceMs ?? 0) + 300_000, firingSinceMs: 0, resolvedAtMs: beganMs + dayMs },
  });
  const mails = alerts.flatMap((_, index) =>
    ['ops', 'boss'].slice(index % 2).map((name) =>
      mail({
        ...{ messageId: `<${name}${index}>`, recipient: `${name}@example.org` },
        notifications: [stored({ alertId: index + 1 })],
      }),
    ),
  );
  const { said } = await toldFolder(t, {
    alerts: [...alerts, boot],
    plan: { mails },
  });
  const text = await said('tune', '--no-replay');
  assert.match(text, /: 20 mails to 2 addresses \(at most 13 to one\), /);
  assert.match(text, /^memory .* for="3x" would lose 1 of 12 alerts: mended 1 time *$/m);
  assert.match(text, /^ {4}it would leave 0 mails; --show memory lists the one$/m);
  const listed = (await said('tune', '--show', 'memory')).trimEnd().split('\n');
  assert.match(listed[0] ?? '', /^memory \(web-1\): .*: mended 1 time\. It would leave 0 of 18 mails\.$/);
  assert.match(listed[2] ?? '', /^\d{4}-\d\d-\d\d \d\d:\d\d +15m +web-1 +critical +mended +5$/);
  assert.equal(listed.length, 3);
  assert.match(await said('tune', '--no-replay', '--since', '5h'), /^Since [^(]+ \(5h\): /);
});

test('--show takes a check as its line names it', async (t) => {
  const ofChecks = alerts.map((one, index): Alert => {
    return { ...one, rule: 'check', subject: index % 2 === 0 ? 'mailq' : 'ntp', limitText: '' };
  });
  const { said, refused } = await toldFolder(t, { alerts: ofChecks });
  assert.match(await said('tune', '--show', 'check mailq'), /^check mailq \(web-1\): too few alerts to judge\.\n$/);
  assert.equal((await said('tune', '--show', 'check')).trimEnd().split('\n\n').length, 2);
  await refused(['tune', '--show', 'check mailk'], /no line for a rule "check mailk"; did you mean "check mailq"\?/);
});

test('a check that has a rule of its own since is judged by it', async (t) => {
  const ofCheck = alerts.map((one): Alert => ({ ...one, rule: 'check', subject: 'mailq', limitText: '' }));
  const withRule = (rows: number) =>
    config.replace('</client>', `\n<alert type="check" check="mailq" for="${rows}x"/></client>`);
  const { said } = await toldFolder(t, { alerts: ofCheck, config: withRule(2) });
  assert.match(await said('tune', '--no-replay'), /^check check=mailq +web-1 +13 .* config\.xml:4 {2}for="3x" /m);
  const quieted = await toldFolder(t, { alerts: ofCheck, config: withRule(3) });
  assert.match(
    await quieted.said('tune', '--no-replay'),
    /\n\n13 mails of these on no line: .*Nothing is proposed\.$/ms,
  );
});

test('the document of tune holds what docs/json.md says', async (t) => {
  const { json, refused } = await toldFolder(t);
  const { rules, ...document } = (await json('tune', '--show', 'memory')) as { rules: Record<string, unknown>[] };
  const times = { since: 'time', until: 'time', night_mails: 0 };
  assert.deepEqual(
    { ...document, ...times },
    {
      ...{ command: 'tune', ...times, within_s: 3600, mails: 13, noise_mails: 13, other_mails: 1 },
      ...{ recipients: [{ recipient: 'ops@example.org', mails: 13 }], replay: null, replay_late: false },
    },
  );
  const [{ quieted, since, ...rule } = {}] = rules;
  assert.equal((quieted as unknown[]).length, 12);
  assert.match(String(since), /^\d{4}-/);
  assert.deepEqual(rule, {
    ...{ rule: 'memory', check: null, clients: ['web-1'], mails: 12, alerts: 12, noise_alerts: 12 },
    noise_of: [{ client: 'web-1', alerts: 12 }],
    ...{ alerts_parts: [9, 3], over_within_s: 900, reason: null, values: { median: null, p95: null } },
    edit: {
      ...{ file: 'config.xml', line: 3, element: 'alert', name: null, adds: false },
      ...{ tag: '<alert type="memory" limit="90%">', text: 'for="3x"' },
    },
    lost: [],
    ...{ mails_left: 0, mails_promised: 0, mails_replayed: null, verified: false, later_s: 600 },
  });
  await refused(['tune', '--show', 'memroy'], /tune has no line for a rule "memroy"; did you mean "memory"\?/);
  await refused(['tune', '--within', 'soon'], /--within "soon" is no duration/);
});

/** Runs `tune` on the stored alerts. `onBegin` is called just before. */
async function runTune(
  t: TestContext,
  over: Pick<TuneOptions, 'signal' | 'replayMs'>,
  onBegin: () => unknown = () => undefined,
): Promise<TuneResult> {
  const { dir, store } = await toldFolder(t);
  const trees: ConfigTree[] = [];
  const loaded = loadConfig({ file: path.join(dir, 'config.xml'), onValid: (tree) => trees.push(tree) });
  const [tree] = trees;
  assert.ok(tree !== undefined);
  const span = { sinceMs: beganMs - dayMs, untilMs: Date.now(), withinMs: hourMs };
  return await store((storage) => {
    onBegin();
    return tune({ config: loaded, tree, storage, ...span, observe: () => undefined, ...over });
  });
}

test('a replay that does not end in time verifies nothing', async (t) => {
  const { signal } = new AbortController();
  const { isLate, verified, lines } = await runTune(t, { signal, replayMs: 1 });
  assert.deepEqual([isLate, verified, lines.length], [true, null, 1]);
});

test('tune ends by its signal while it reads alerts', async (t) => {
  const stop = new AbortController();
  const abort = (): void => stop.abort(new Error('Ctrl-C'));
  const run = runTune(t, { signal: stop.signal, replayMs: null }, () => setImmediate(abort));
  await assert.rejects(run, /^Error: Ctrl-C$/);
});

test('tune says so if nobody was mailed', async (t) => {
  const { said } = await alertFolder(t, { config });
  assert.match(await said('tune'), /^Since .*\(30 days\): nobody was mailed about an alert\.$/m);
});
