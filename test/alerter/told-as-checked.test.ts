// Second tier: random configurations, each for two days of passes.
/** Whoever `check` names as told of an alert is told of it by the alerter, and nobody else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { alertRecipients } from '../../src/cli/check/alert-recipients.ts';
import type { Config, Severity } from '../../src/config/config.ts';
import { FleetError } from '../../src/platform/errors/errors.ts';
import { isLong, isWide } from '../support/long-tests.ts';
import { configOf } from './support/config-of.ts';
import { startDispatch } from './support/dispatch-world.ts';

const own = ['disk', 'memory', 'unreachable', 'no-report', 'clock-offset'] as const;
const ofFleet = ['collector-silent', 'mail-path', 'state-disk', 'database-forgot'] as const;

const severity = fc.constantFrom('', ' severity="critical"', ' severity="warning"');
const rules = fc.constantFrom(
  '',
  ' rules="disk"',
  ' rules="unreachable,no-report"',
  ' rules="!disk"',
  ' rules="mail-*"',
);
const hours = fc.constantFrom('', '', '', ' hours="mon-fri 08:00-18:00"', ' hours="22:00-06:00"');
const after = fc.constantFrom('', '', '', ' after="45m"', ' after="3h"');
const words = fc
  .tuple(severity, rules, hours, after)
  .map((all) => all.join(''))
  .filter((all) => !/severity="warning".* after=/.test(all));
const address = fc.constantFrom('ops', 'north', 'east', 'boss').map((name) => `${name}@example.org`);
const mail = fc.tuple(address, words).map(([to, more]) => `<mail to="${to}"${more}/>`);
const mails = (most: number) => fc.array(mail, { maxLength: most }).map((all) => all.join(''));
const rule = fc
  .tuple(
    fc.constantFrom('disk', 'memory', 'unreachable', 'no-report', 'collector-silent', 'mail-path'),
    fc.constantFrom(' mail="rule@example.org"', ' mail="none"', ' severity="warning"', ' enabled="no"'),
  )
  .map(([name, more]) => `<alert name="${name}"${more}/>`);

const notify = fc.tuple(severity, rules).map((more) => `<notify command="/bin/true"${more.join('')}/>`);

const element = fc
  .record({
    fallback: fc.constantFrom('', ' fallback="root@example.org"'),
    ofAll: mails(3),
    ofGroup: mails(2),
    ofClient: fc.oneof({ weight: 3, arbitrary: fc.constant('') }, { weight: 1, arbitrary: mails(2) }),
    muted: fc.constantFrom('', '', '', ' mail="none"'),
    tuned: fc.array(rule, { maxLength: 2 }).map((all) => [...new Set(all)].join('')),
    notify: fc.oneof({ weight: 3, arbitrary: fc.constant('') }, { weight: 1, arbitrary: notify }),
  })
  .map(
    (some) =>
      `<smtp host="localhost"${some.fallback}/>${some.notify}<alerts flapping="no">${some.ofAll}${some.tuned}</alerts>` +
      `<group name="g">${some.ofGroup}<client name="c1" ip="192.0.2.1" username="u"${some.muted}>${some.ofClient}</client></group>`,
  );

/** Returns the configuration; null if it is refused, such as one with a severity beside two limits. */
function acceptedConfig(elements: string): Config | null {
  try {
    return configOf(elements);
  } catch (thrown) {
    if (thrown instanceof FleetError && thrown.code === 'config-invalid') return null;
    throw thrown;
  }
}

/** Returns whom `check` names for an alert that stays for two days, of one client or of the fleet. */
function named(elements: string, name: string, level: Severity, isFleet: boolean): ReadonlySet<string> {
  const { recipients } = alertRecipients(configOf(elements));
  const told = recipients.filter(
    (one) =>
      (one.clients === 0) === isFleet &&
      (one.rules.length === 0 || one.rules.includes(name)) &&
      !one.not_heard.includes(name) &&
      (one.severity === 'warning' || level === 'critical') &&
      // It counts critical alerts alone.
      (one.after_seconds === null || level === 'critical'),
  );
  return new Set(told.map(({ recipient }) => recipient));
}

/** Returns who is mailed of an alert that begins now and stays for two days. */
function told(elements: string, name: string, level: Severity, isFleet: boolean): ReadonlySet<string> {
  const world = startDispatch(elements);
  const key = `${isFleet ? '-' : 'c1'} ${name}`;
  world.fires(key, { severity: level });
  for (let hour = 0; hour < 60; hour += 1) {
    world.at(world.now() + 3_600_000).row(isFleet ? '' : 'c1');
    world.pass();
  }
  return new Set(world.mails.map(({ mail: { recipient } }) => recipient));
}

test('whoever check names is told, and nobody else', () => {
  fc.assert(
    fc.property(
      element,
      fc.constantFrom(...own, ...ofFleet),
      fc.constantFrom<Severity>('warning', 'critical'),
      (elements, name, level) => {
        const isFleet = ofFleet.some((one) => one === name);
        const config = acceptedConfig(elements);
        fc.pre(config !== null);
        const inForce = isFleet ? config.alerts.rules : (config.clients[0]?.rules ?? []);
        const found = inForce.find((one) => one.name === name);
        fc.pre(found !== undefined);
        assert.deepEqual(
          [...told(elements, name, level, isFleet)].sort(),
          [...named(elements, name, level, isFleet)].sort(),
        );
      },
    ),
    { numRuns: Number(process.env['PROPERTY_RUNS'] ?? (isLong ? 100 : isWide ? 40 : 10)), includeErrorInReport: true },
  );
});
