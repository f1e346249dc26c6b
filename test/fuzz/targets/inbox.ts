import { admitDocument, type Admitted } from '../../../src/collector/inbox/admit-document.ts';
import { isDocumentName } from '../../../src/collector/inbox/document-files.ts';
import { clientsOfSites, folderOfSite } from '../../../src/collector/inbox/origins.ts';
import { parseDocument } from '../../../src/collector/inbox/parse-document.ts';
import { parseSealedName } from '../../../src/collector/sealed-reports/sealed-names.ts';
import { boundedTime } from '../../../src/report/check-value.ts';
import { madeEvent } from '../../collector/events/support/event-samples.ts';
import { runEnd, runStart, visit } from '../../storage/support/samples.ts';
import { makeClient } from '../../support/fleets/fleet.ts';
import { requireSame, requireThat, type FuzzTarget } from '../target.ts';

const start = runStart({ id: 'run-1' });
const end = runEnd(start);
const failed = visit({
  runId: 'run-1',
  client: 'web-2',
  ok: false,
  stage: 'login',
  code: 'auth-failed',
  message: 'no',
});
const seed = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
const clients = ['web-1', 'web-2'].map((name) =>
  makeClient(name, { arrival: { kind: 'site', site: 'fra' }, labels: { site: 'fra' } }),
);
const site = clientsOfSites(clients).get(folderOfSite('fra')) ?? null;
const nowMs = start.startedAtMs + 1000;
const context = { site, everyMs: 300_000, retentionMs: 30 * 86_400_000, nowMs };

/** The documents of the inbox, and the names of files there: a site may be hostile. */
export const inboxTarget: FuzzTarget = {
  name: 'inbox',
  seeds: () => [
    seed({ run: { start, end: null }, visits: [visit({ runId: 'run-1' }), failed] }),
    seed({ visits: [{ ...failed, sealedTo: ['0123456789abcdef'], nextAttemptAtMs: 7 }, null, 3] }),
    seed({ run: { start, end } }),
    seed({ events: [madeEvent('e'), { ...madeEvent('f'), tags: ['a'], value: 1.5, ttl: 60 }, null] }),
    Buffer.from('001795000000000-11111111-1111-4111-8111-111111111111.000001.json'),
    Buffer.from('11111111-1111-4111-8111-111111111111.1795000000000.-3.17.aa.fhs'),
  ],
  words: [
    ...['"run":{', '"visits":[', '"events":[', '"start":{', '"end":{', '"host":"', '"message":"', '"code":'],
    ...['\\u001b[2J', '\\u202e', '\\ud800', '\\n', '"__proto__":{', '"constructor"', '"toString"', 'null', 'true'],
    ...['1e999', '-1', '-0', '0.5', '35184372088833', '32503680000001', '"sealedTo":["', '[', '{', '.fhs', '../'],
  ] as unknown as readonly [string, ...string[]],
  check: (input) => {
    const names = nameWords(input.toString());
    const { strange, ...document } = parseDocument(input);
    const { strange: _strange, ...again } = parseDocument(seed(document));
    requireSame(plain(again), plain(document), 'written and read again');
    const { run, visits, events } = admitDocument('site', input, context);
    requireThat(events.length === 0, 'events of a site');
    requireThat(visits.length <= clients.length, 'more visits than clients');
    checkRun({ run, visits });
    for (const { address, message, bootId } of document.visits) {
      requireThat(isLine(`${address}${message ?? ''}${bootId ?? ''}`), 'characters that a screen must not meet');
    }
    const said = document.visits.map(({ stage, code, reader }) => `${stage}/${code}/${reader}`).join();
    return `${names} ${strange} ${run?.end?.outcome ?? ''} ${run?.start.scope ?? ''} ${said} ${document.events.length}`;
  },
};

/** Checks the names of files: none leads out of its folder. Returns the kinds of name that the text is. */
function nameWords(name: string): string {
  const sealed = parseSealedName(name);
  if (isDocumentName(name) || sealed !== null) requireThat(!/[/\0]/.test(name), 'a name that leads elsewhere');
  if (sealed !== null) requireThat(sealed.receivedAtMs === boundedTime(sealed.receivedAtMs), 'a time of no column');
  return `${isDocumentName(name) ? 'document' : ''} ${sealed === null ? '' : 'sealed'}`;
}

function checkRun({ run, visits }: Pick<Admitted, 'run' | 'visits'>): void {
  if (run === null) return;
  requireThat(isLine(run.start.host), 'a host that a screen must not meet');
  const times = [run.start.startedAtMs, run.end?.finishedAtMs ?? 0, ...visits.map((one) => one.startedAtMs)];
  for (const time of times) {
    requireThat(time === boundedTime(time) && time <= nowMs, 'a time that no column holds, or of the future');
  }
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

function isLine(text: string): boolean {
  return !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(text);
}
