// Second tier: random stand-ins.
/** Whatever holds a critical alert back from somebody is a critical alert that this person was told, or is told now. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import type { Held } from '../../src/alerter/dispatch/notification-plan.ts';
import { planNotifications } from '../../src/alerter/dispatch/plan-notifications.ts';
import type { HoldReason } from '../../src/alerter/inhibit/hold-reason.ts';
import type { Alert } from '../../src/storage/store/alert.ts';
import { isLong, isWide } from '../support/long-tests.ts';
import { nameOf, startDispatch, type DispatchWorld } from './support/dispatch-world.ts';

const minuteMs = 60_000;
const hypervisors = ['hv-1', 'hv-2', 'hv-3'];

interface Entry {
  readonly to: string;
  readonly attributes: string;
}

interface Setting {
  readonly people: readonly Entry[];
  readonly unreachable: string;
  readonly short: string;
  readonly need: number;
}

/** Returns machines of a group that needs some of them, guests of one, machines behind a bastion, and rival rules. */
function elementsOf({ people, unreachable, short, need }: Setting): string {
  const mails = people.map(({ to, attributes }) => `<mail to="${to}@example.org" ${attributes}/>`).join('');
  return `<collector every="5m" runDeadline="4m"/>
    <alerts zone="UTC" groupInterval="1s" repeat="12h"><mail to="all@example.org"/>${mails}
      <alert name="unreachable" severity="${unreachable}"/><alert name="group-short" severity="${short}"/>
      <alert name="disk-low" type="disk" limit="90%"/><alert name="disk-high" type="disk" limit="95%"/></alerts>
    <group name="hv" need="${need}"><client name="hv-[1-3]" ip="192.0.2.[1-3]" username="u"/></group>
    <group on="hv-1"><client name="vm-[1-3]" ip="192.0.2.[11-13]" username="u"/></group>
    <bastion name="bast" ip="192.0.2.99" username="u"/>
    <group proxyJump="bast"><client name="b-[1-3]" ip="192.0.2.[21-23]" username="u"/></group>`;
}

const entry: fc.Arbitrary<Entry> = fc.record({
  to: fc.constantFrom('ops', 'oncall'),
  attributes: fc
    .tuple(
      fc.constantFrom('', '', 'severity="critical"'),
      fc.constantFrom(
        '',
        '',
        '',
        'rules="!unreachable"',
        'rules="unreachable"',
        'rules="!group-short"',
        'rules="disk*"',
      ),
      fc.constantFrom('', '', 'hours="08:00-09:00"', 'hours="09:00-18:00"'),
      fc.constantFrom('', '', '', 'after="15m"'),
    )
    .map((parts) => parts.join(' ')),
});

const setting: fc.Arbitrary<Setting> = fc.record({
  people: fc.array(entry, { minLength: 1, maxLength: 4 }),
  unreachable: fc.constantFrom('critical', 'critical', 'critical', 'warning'),
  short: fc.constantFrom('critical', 'critical', 'warning'),
  need: fc.constantFrom(1, 2, 2),
});

const away = [...hypervisors, 'vm-1', 'vm-2', 'vm-3', 'b-1', 'b-2', 'b-3'];
const names = [
  ...away.map((name) => `${name} unreachable`),
  ...['hv-1', 'hv-2', 'vm-1', 'b-1'].flatMap((name) => [`${name} disk-low /`, `${name} disk-high /`]),
  '- collector-isolated c1',
  '- group-short hv',
];

/** An event, and the minutes until the next pass. */
interface Event {
  readonly what: 'fires' | 'recovers' | 'eases' | 'silence' | 'acknowledge';
  readonly some: readonly string[];
  readonly minutes: number;
}

const event: fc.Arbitrary<Event> = fc.record({
  what: fc.constantFrom('fires', 'fires', 'fires', 'fires', 'recovers', 'eases', 'silence', 'acknowledge'),
  some: fc.oneof(
    { weight: 4, arbitrary: fc.subarray(names, { minLength: 1, maxLength: 4 }) },
    { weight: 1, arbitrary: fc.constant(['vm-1 unreachable', 'vm-2 unreachable']) },
    { weight: 1, arbitrary: fc.constant(['hv-1 unreachable']) },
    { weight: 1, arbitrary: fc.constant(['hv-2 unreachable', '- group-short hv']) },
  ),
  minutes: fc.constantFrom(5, 10, 25),
});

const standsFor: readonly HoldReason['kind'][] = [
  ...(['unreachable', 'isolated', 'collector-silent', 'group-short'] as const),
  ...(['bastion', 'parent', 'worse-rule', 'nearly-full'] as const),
];

/** Finds out what somebody was told in place of an alert. */
class Person {
  readonly #told = new Set<string>();
  readonly #open: readonly Alert[];
  readonly #held = new Map<string, HoldReason>();

  constructor(world: DispatchWorld, recipient: string, held: readonly Held[]) {
    this.#open = world.alerts().filter(({ state }) => state === 'firing');
    const byId = new Map(world.alerts().map((alert) => [alert.id, nameOf(alert)]));
    for (const one of world.notified()) {
      if (one.recipient === recipient && one.severity === 'critical') this.#told.add(byId.get(one.alertId) ?? '');
    }
    for (const { alertId, recipient: whom, reason } of held) {
      if (whom === recipient && standsFor.includes(reason.kind)) this.#held.set(byId.get(alertId) ?? '', reason);
    }
  }

  check(isEased: (alert: Alert) => boolean): void {
    for (const alert of this.#open) {
      const name = nameOf(alert);
      const reason = this.#held.get(name);
      if (reason === undefined || alert.severity !== 'critical' || isEased(alert) || this.#told.has(name)) continue;
      assert.ok(this.#isTold(alert, reason), `${name} is held back by ${JSON.stringify(reason)}, which is not told`);
    }
  }

  #isOpen(name: string): boolean {
    return this.#open.some((one) => nameOf(one) === name);
  }

  /** True if what stands for an alert was told as critical, or is held back by something that was. */
  #isTold(alert: Alert, reason: HoldReason): boolean {
    const knows = (name: string): boolean => {
      const instead = this.#held.get(name);
      const found = this.#open.find((one) => nameOf(one) === name);
      return this.#told.has(name) || (instead !== undefined && found !== undefined && this.#isTold(found, instead));
    };
    const knowsTwo = (clients: readonly string[]): boolean =>
      clients.filter((client) => this.#told.has(`${client} unreachable`)).length >= 2;
    switch (reason.kind) {
      case 'unreachable':
        // A client that has just been reached again is given the time of a row: the old alert may be over.
        return !this.#isOpen(`${alert.client} unreachable`) || knows(`${alert.client} unreachable`);
      case 'isolated':
        return knows('- collector-isolated c1');
      case 'group-short':
        return knows('- group-short hv');
      case 'parent':
        return knows(`${reason.name} unreachable`) || knowsTwo(['vm-1', 'vm-2', 'vm-3']);
      case 'bastion':
        return knowsTwo(['b-1', 'b-2', 'b-3']);
      case 'worse-rule':
        return knows(`${alert.client} ${reason.rule} ${alert.subject}`);
      default:
        return false;
    }
  }
}

function play(given: Setting, events: readonly Event[]): void {
  const world = startDispatch(elementsOf(given));
  world.at('07:30');
  const stateOf = (name: string): Alert | undefined =>
    world.alerts().find((one) => nameOf(one) === name && one.state === 'firing');
  for (const { what, some, minutes } of events) {
    for (const name of some) {
      const isOpen = stateOf(name) !== undefined;
      const [client = '', rule = ''] = name.split(' ');
      const severity = rule === 'unreachable' ? given.unreachable : rule === 'group-short' ? given.short : 'critical';
      if (what === 'fires' && !isOpen) world.fires(name, { severity: severity === 'warning' ? 'warning' : 'critical' });
      if (what === 'recovers' && isOpen) world.recovers(name);
      if (what === 'eases' && isOpen && rule.startsWith('disk')) world.easesUp(name);
      if (what === 'acknowledge' && isOpen) world.acknowledge(name);
      if (what === 'silence' && client !== '-') world.silenceAt(client, rule, world.now(), world.now() + 45 * minuteMs);
      if (what === 'silence' && client === '-') world.silenceAt('*', rule, world.now(), world.now() + 45 * minuteMs);
    }
    world.at(world.now() + minutes * minuteMs);
    const newestMs = world.now();
    world.add({ reports: new Map(hypervisors.map((name) => [name, { newestMs }])) });
    const lost = hypervisors.filter((name) => stateOf(`${name} unreachable`) !== undefined).length;
    const isShort = stateOf('- group-short hv') !== undefined;
    const isEased = ({ client, rule }: Alert): boolean =>
      rule === 'unreachable' && client.startsWith('hv-') && !isShort && lost <= 3 - given.need;
    const { held } = planNotifications(world.world());
    world.pass();
    for (const to of new Set(given.people.map((one) => one.to)))
      new Person(world, `${to}@example.org`, held).check(isEased);
  }
}

test('what holds a critical alert back from somebody is a critical alert that this person is told', () => {
  fc.assert(
    fc.property(setting, fc.array(event, { minLength: 3, maxLength: 10 }), (given, events) => {
      play(given, events);
    }),
    { numRuns: isLong ? 4_000 : isWide ? 1_000 : 50, seed: 20_261_130, includeErrorInReport: true },
  );
});
