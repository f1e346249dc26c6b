/** Incidents of unreachable clients: those of one line of a mail are one, which is known again until its end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { type Incidents, incidentsOf } from '../../../src/alerter/compose/incidents.ts';
import type { DueMail } from '../../../src/alerter/dispatch/notification-plan.ts';
import { configOf } from '../support/config-of.ts';
import { progressAt } from '../support/dispatch-world.ts';
import { dueMail, type Said } from '../support/due-mails.ts';
import { at } from '../support/rows.ts';

const config = configOf(`<smtp host="mail.example.org" from="f@example.org"/><alerts mail="ops@example.org"/>
  <client name="hv-1" ip="192.0.2.1" username="u"/>
  <client name="vm-[1-2]" ip="192.0.2.[11-12]" username="u" on="hv-1"/>
  <bastion name="gate" ip="192.0.2.9" username="u"/>
  <client name="edge-[1-2]" ip="192.0.2.[21-22]" username="u" proxyJump="gate"/>
  <client name="web-[1-6]" ip="192.0.2.[31-36]" username="u"/>`);

/** Returns an unreachable client, as the run `run-1` found it first. */
const lost = (client: string, over: Partial<Said> = {}): Said => ({
  ...{ client, rule: 'unreachable', transition: 'firing', valueText: 'network: no route' },
  firstEvidence: `run-1/${client}`,
  ...over,
});
const back = (client: string, over: Partial<Said> = {}): Said => lost(client, { transition: 'resolved', ...over });
const away = (client: string, over: Partial<Said> = {}): Said => lost(client, { transition: 'reminder', ...over });
const web = [1, 2, 3, 4, 5, 6].map((number) => `web-${number}`);
const hv = ['hv-1', 'vm-1', 'vm-2'];

/** Returns the incidents by client; `own` is the id of an alert's own incident. */
function incidents(mail: DueMail): Readonly<Record<string, Incidents>> {
  const found = incidentsOf(mail, config);
  return Object.fromEntries(mail.items.map((item) => [item.client, found(item, 'own')]));
}

const of = (said: readonly Said[], open: readonly Said[] = []) => incidents(dueMail(config, said, {}, open));
const idOf = (said: readonly Said[], client: string): string => of(said)[client]?.incident?.id ?? 'none';
const endsOf = (client: string, said: readonly Said[], open: readonly Said[] = []) => of(said, open)[client]?.ends;

const parent = idOf(
  hv.map((client) => lost(client)),
  'vm-1',
);
const gate = idOf([lost('edge-1'), lost('edge-2')], 'edge-1');
const cause = idOf(
  web.map((client) => lost(client)),
  'web-1',
);

test('the clients of a line are one incident, with the title of the line', () => {
  const begun = of(hv.map((client) => lost(client)));
  const incident = { id: parent, title: 'hv-1: unreachable with 2 of 2 on it' };
  for (const client of hv) assert.deepEqual(begun[client], { incident });
  assert.match(parent, /^[0-9a-f]{32}$/);
  assert.equal(new Set([parent, gate, cause, 'none']).size, 4);
});

test('a reminder is about the same incident, and so is what is left behind', () => {
  assert.equal(
    idOf(
      hv.map((client) => away(client)),
      'vm-1',
    ),
    parent,
  );
  const mail = dueMail(config, [away('vm-1'), away('vm-2')]);
  const items = mail.items.map((item) => ({ ...item, leftBy: 'hv-1' }));
  const fold = { kind: 'left', name: 'hv-1' } as const;
  const line = { fold, items, clients: ['vm-1', 'vm-2'] };
  const sections = [{ kind: 'critical', count: 2, rules: [{ lines: [line], rest: [] }] } as const];
  assert.equal(incidents({ ...mail, items, sections })['vm-1']?.incident?.id, parent);
});

test('alone, of another rule, or of several causes that a reminder names together, each is its own incident', () => {
  assert.deepEqual(of([lost('web-1')]), { 'web-1': {} });
  const disks = web.map((client) => lost(client, { rule: 'disk', subject: '/', valueText: 'gone' }));
  assert.equal(idOf(disks, 'web-1'), 'none');
  const ofTwoRuns = (transition: 'firing' | 'reminder'): string =>
    idOf(
      web.map((client, index) => lost(client, { transition, firstEvidence: `run-${index}/${client}` })),
      'web-2',
    );
  assert.equal(ofTwoRuns('reminder'), 'none');
  assert.notEqual(ofTwoRuns('firing'), 'none');
  assert.equal(
    idOf(
      web.map((client) => away(client)),
      'web-1',
    ),
    cause,
  );
});

test('another run or another first fault is another incident', () => {
  const ids = [{}, { firstEvidence: 'run-2' }, { progress: { ...progressAt(at('10:05')), begunBy: 'dns' } }].map(
    (over) =>
      idOf(
        web.map((client) => lost(client, over)),
        'web-1',
      ),
  );
  assert.equal(ids[0], cause);
  assert.equal(new Set(ids).size, 3);
});

test('an incident ends with the last client of its line', () => {
  assert.deepEqual(endsOf('vm-1', [back('vm-1')], [away('hv-1'), away('vm-2')]), []);
  assert.deepEqual(
    endsOf(
      'vm-1',
      hv.map((client) => back(client)),
    ),
    [parent],
  );
  const all = web.map((client) => back(client));
  assert.deepEqual(endsOf('web-1', all), [cause]);
  assert.deepEqual(endsOf('web-1', all.slice(0, 5), [away('web-6')]), []);
  const rest = web.slice(1).map((client) => away(client, { firstEvidence: `run-2/${client}` }));
  assert.deepEqual(endsOf('web-1', [back('web-1')], rest), ['own', cause]);
  assert.deepEqual(of([back('web-1'), lost('web-2')])['web-2'], {});
});

test('a client that fired before the others of its parent has an incident of its own as well', () => {
  const late = { firingSinceMs: at('08:10'), pendingSinceMs: at('08:05') };
  const said = [back('hv-1'), back('vm-1'), back('vm-2', late)];
  assert.equal(endsOf('vm-1', said)?.[0], 'own');
  assert.equal(endsOf('vm-1', said)?.at(-1), parent);
  assert.deepEqual(endsOf('vm-2', said), [parent]);
  assert.equal(endsOf('hv-1', said)?.[0], 'own');
  // A machine that is missing in the mail was never part of the line.
  assert.equal(endsOf('vm-1', [back('vm-1'), back('vm-2')])?.[0], 'own');
  assert.equal(endsOf('vm-1', [back('hv-1'), back('vm-1')])?.[0], 'own');
  // A bastion need not be a client.
  assert.deepEqual(endsOf('edge-1', [back('edge-1'), back('edge-2')]), [gate]);
});
