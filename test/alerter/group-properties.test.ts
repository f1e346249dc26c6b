import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import type { DueMail, PendingNotification } from '../../src/alerter/dispatch/notification-plan.ts';
import { isOfGroup } from '../../src/alerter/inhibit/group-states.ts';
import { isWide } from '../support/long-tests.ts';
import { configOf } from './support/config-of.ts';
import { GroupFleet, type Word } from './support/group-fleet.ts';

const names = ['m1', 'm2', 'm3', 'm4'];
const numRuns = isWide ? 2_000 : 60;

/** What config.xml says of the group: how many it needs, and which of the members are paused. */
interface Setting {
  readonly need: number;
  readonly paused: number;
}

function configFor({ need, paused }: Setting) {
  const member = (name: string, index: number): string =>
    `<client name="${name}" ip="192.0.2.${index + 1}" username="u"${index < paused ? ' state="paused"' : ''}/>`;
  return configOf(
    `<collector every="5m"/><alerts flapping="no" defaults="no" groupInterval="5m"><mail to="ops@example.org"/>` +
      '<mail to="oncall@example.org" severity="critical"/><alert name="no-report" enabled="no"/>' +
      '<alert name="unreliable" enabled="no"/></alerts>' +
      `<group name="web"${need === 0 ? '' : ` need="${need}"`}>${names.map(member).join('')}</group>` +
      '<client name="db-[1-8]" ip="192.0.2.[11-18]" username="u"/>',
  );
}

const word: fc.Arbitrary<Word> = fc.oneof(
  { weight: 4, arbitrary: fc.constant<Word>('ok') },
  { weight: 4, arbitrary: fc.constant<Word>('fails') },
  { weight: 1, arbitrary: fc.constant<Word>('mute') },
);
/** The same words for some runs: a word that stands for one run alone confirms nothing. */
const stretch = fc.record({ words: fc.tuple(word, word, word, word), times: fc.constantFrom(1, 2, 2, 3, 5) });
type Stretch = typeof stretch extends fc.Arbitrary<infer T> ? T : never;

function runsOf(stretches: readonly Stretch[]): readonly Readonly<Record<string, Word>>[] {
  return stretches.flatMap(({ words, times }) =>
    Array.from({ length: times }, () => Object.fromEntries(words.map((one, index) => [names[index] ?? '', one]))),
  );
}

test('passes after each run, after some, and after all find the same alerts of a group', async () => {
  const passes = fc.array(fc.boolean(), { minLength: 60, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(fc.array(stretch, { minLength: 3, maxLength: 12 }), passes, async (stretches, some) => {
      const runs = runsOf(stretches);
      const found = [];
      for (const passesAfter of [() => true, (index: number) => some[index] === true, () => false]) {
        const fleet = new GroupFleet(configFor({ need: 3, paused: 0 }));
        for (const [index, words] of runs.entries()) {
          fleet.collect(words);
          if (passesAfter(index)) await fleet.pass();
        }
        await fleet.pass();
        const spans = [...fleet.groupAlerts.values()].map(({ firingSinceMs, resolvedAtMs, sequence }) => ({
          ...{ firingSinceMs, resolvedAtMs, sequence },
        }));
        found.push(spans.sort((one, other) => (one.firingSinceMs ?? 0) - (other.firingSinceMs ?? 0)));
      }
      assert.deepEqual(found[1], found[0]);
      assert.deepEqual(found[2], found[0]);
    }),
    { numRuns, seed: 20_261_129, includeErrorInReport: true },
  );
});

/** Who is lost, by two visits in a row, and for how many runs nothing has changed. It knows nothing of the alerter. */
class Counted {
  readonly #bad = new Map<string, number>();
  readonly #good = new Map<string, number>();
  readonly lost = new Set<string>();
  /** Runs since the newest report. */
  readonly #silent = new Map<string, number>();
  calmRuns = 0;

  take(words: Readonly<Record<string, Word>>): void {
    this.calmRuns += 1;
    for (const name of names) {
      const failed = words[name] === 'fails';
      this.#bad.set(name, failed ? (this.#bad.get(name) ?? 0) + 1 : 0);
      this.#good.set(name, failed ? 0 : (this.#good.get(name) ?? 0) + 1);
      this.#silent.set(name, words[name] === 'ok' ? 0 : (this.#silent.get(name) ?? 0) + 1);
      const isLost = this.lost.has(name);
      if (!isLost && this.#bad.get(name) === 2) this.lost.add(name);
      if (isLost && this.#good.get(name) === 2) this.lost.delete(name);
      if (isLost !== this.lost.has(name)) this.calmRuns = 0;
    }
  }

  lostOf(active: readonly string[]): number {
    return active.filter((name) => this.lost.has(name)).length;
  }

  isUnknown(name: string): boolean {
    return !this.lost.has(name) && (this.#silent.get(name) ?? 0) >= 3;
  }
}

/** What a person has read last of the group and of each member. */
class Reader {
  group: 'short' | 'enough' = 'enough';
  readonly members = new Map<string, PendingNotification>();
  begins = 0;

  read(mails: readonly DueMail[], recipient: string): void {
    const items = mails.filter((mail) => mail.recipient === recipient).flatMap((mail) => mail.items);
    const isEnd = ({ transition }: PendingNotification): boolean => ['resolved', 'ended', 'past'].includes(transition);
    for (const item of items.filter(isEnd)) {
      if (isOfGroup(item)) this.group = 'enough';
      else this.members.delete(item.client);
    }
    for (const item of items.filter((one) => !isEnd(one))) {
      if (isOfGroup(item)) this.group = 'short';
      else this.members.set(item.client, item);
    }
    if (items.some((item) => isOfGroup(item) && item.transition === 'firing' && item.sequence === 1)) this.begins += 1;
  }
}

const change = fc.oneof(
  { weight: 6, arbitrary: stretch },
  { weight: 1, arbitrary: fc.record({ need: fc.constantFrom(0, 1, 2, 3, 4), paused: fc.constantFrom(0, 0, 1) }) },
);

test('nobody is untold: a group that lacks members is told in the pass after the run, once, and so is its end', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 4, maxLength: 14 }), async (changes) => {
      let setting: Setting = { need: 3, paused: 0 };
      const fleet = new GroupFleet(configFor(setting));
      const counted = new Counted();
      const [ops, oncall] = [new Reader(), new Reader()];
      let episodes = 0;
      let [wasShort, clearRuns] = [false, 0];
      for (const one of changes) {
        if ('need' in one) {
          setting = one;
          fleet.config = configFor(setting);
          counted.calmRuns = -1;
          continue;
        }
        for (const words of runsOf([one])) {
          fleet.collect(words);
          counted.take(words);
          const mails = await fleet.pass();
          ops.read(mails, 'ops@example.org');
          oncall.read(mails, 'oncall@example.org');
          const active = names.slice(setting.paused);
          const hasEffect = setting.need > 0 && setting.need < active.length;
          const lost = counted.lostOf(active);
          const isShort = hasEffect && lost > active.length - setting.need;
          clearRuns = active.some((name) => counted.isUnknown(name)) ? 0 : clearRuns + 1;
          if (isShort) {
            if (!wasShort) episodes += 1;
            assert.ok(oncall.begins <= episodes, 'each time is told once');
            assert.equal(oncall.group, 'short', 'oncall knows that the group lacks members');
            assert.equal(ops.group, 'short');
          }
          // The end waits for two runs, and for groupInterval.
          const isSettled = counted.calmRuns >= 4;
          if (!isShort && isSettled && (clearRuns >= 4 || !hasEffect)) {
            assert.equal(oncall.group, 'enough', 'oncall knows that enough serve again');
            assert.equal(ops.group, 'enough');
            const known = active.filter((name) => ops.members.has(name));
            assert.deepEqual(
              known,
              active.filter((name) => counted.lost.has(name)),
              'ops knows who is away',
            );
            for (const name of known) {
              assert.equal(ops.members.get(name)?.severity, hasEffect ? 'warning' : 'critical', name);
            }
          }
          wasShort = isShort;
        }
      }
    }),
    { numRuns, seed: 20_261_129, includeErrorInReport: true },
  );
});
