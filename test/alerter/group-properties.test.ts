// Second tier: random groups.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import type { DueMail, PendingNotification } from '../../src/alerter/dispatch/notification-plan.ts';
import { isLong, isWide } from '../support/long-tests.ts';
import { configOf } from './support/config-of.ts';
import { GroupFleet, type Word } from './support/group-fleet.ts';

const names = ['m1', 'm2', 'm3', 'm4'];
const numRuns = isLong ? 2_000 : isWide ? 100 : 10;

/** The group in config.xml: how many it needs, and which of the members are paused. */
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
        for (const { valueText } of fleet.groupAlerts.values()) assert.doesNotMatch(valueText, /: ;|none.*unknown/);
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

/** The last that a person has read of the group and of each member. */
class Reader {
  group: 'short' | 'enough' = 'enough';
  readonly members = new Map<string, PendingNotification>();
  begins = 0;

  read(mails: readonly DueMail[], recipient: string): void {
    const own = mails.filter((mail) => mail.recipient === recipient);
    for (const mail of own) assertAbove(mail);
    const items = own.flatMap((mail) => mail.items);
    const isEnd = ({ transition }: PendingNotification): boolean => ['resolved', 'ended', 'past'].includes(transition);
    for (const item of items.filter(isEnd)) {
      if (item.about === 'group') this.group = 'enough';
      else this.members.delete(item.client);
    }
    for (const item of items.filter((one) => !isEnd(one))) {
      if (item.about === 'group') this.group = 'short';
      else this.members.set(item.client, item);
    }
    if (items.some((item) => item.about === 'group' && item.transition === 'firing' && item.sequence === 1))
      this.begins += 1;
  }
}

/** Asserts that a mail which tells of members below their group has the group's own news. */
function assertAbove({ items }: DueMail): void {
  const news = items.filter((item) => item.about === 'group' && item.transition !== 'reminder');
  const told = new Set(news.map(({ subject }) => subject));
  for (const { below } of items) assert.ok(below === undefined || told.has(below), `nothing is above ${below ?? ''}`);
}

const change = fc.oneof(
  { weight: 6, arbitrary: stretch },
  { weight: 1, arbitrary: fc.record({ need: fc.constantFrom(0, 1, 2, 3, 4), paused: fc.constantFrom(0, 0, 1) }) },
);

/** A fleet with two readers, and what they must know of it. */
class Trial {
  #setting: Setting = { need: 3, paused: 0 };
  readonly #fleet = new GroupFleet(configFor(this.#setting));
  readonly #counted = new Counted();
  readonly #ops = new Reader();
  readonly #oncall = new Reader();
  #episodes = 0;
  #wasShort = false;
  #clearRuns = 0;

  configure(setting: Setting): void {
    this.#setting = setting;
    this.#fleet.config = configFor(setting);
    this.#counted.calmRuns = -1;
  }

  async run(words: Readonly<Record<string, Word>>): Promise<void> {
    this.#fleet.collect(words);
    this.#counted.take(words);
    const mails = await this.#fleet.pass();
    this.#ops.read(mails, 'ops@example.org');
    this.#oncall.read(mails, 'oncall@example.org');
    const { need, paused } = this.#setting;
    const active = names.slice(paused);
    const hasEffect = need > 0 && need < active.length;
    const isShort = hasEffect && this.#counted.lostOf(active) > active.length - need;
    this.#clearRuns = active.some((name) => this.#counted.isUnknown(name)) ? 0 : this.#clearRuns + 1;
    if (isShort) this.#checkShort();
    // The end waits for two runs, and for groupInterval.
    else if (this.#counted.calmRuns >= 4 && (this.#clearRuns >= 4 || !hasEffect)) this.#checkEnough(active, hasEffect);
    this.#wasShort = isShort;
  }

  #checkShort(): void {
    if (!this.#wasShort) this.#episodes += 1;
    assert.ok(this.#oncall.begins <= this.#episodes, 'each time is told once');
    assert.equal(this.#oncall.group, 'short', 'oncall knows that the group lacks members');
    assert.equal(this.#ops.group, 'short');
  }

  #checkEnough(active: readonly string[], hasEffect: boolean): void {
    assert.equal(this.#oncall.group, 'enough', 'oncall knows that enough serve again');
    assert.equal(this.#ops.group, 'enough');
    const known = active.filter((name) => this.#ops.members.has(name));
    const lost = active.filter((name) => this.#counted.lost.has(name));
    assert.deepEqual(known, lost, 'ops knows who is away');
    for (const name of known) {
      assert.equal(this.#ops.members.get(name)?.severity, hasEffect ? 'warning' : 'critical', name);
    }
  }
}

test('nobody is untold: too few members are told in the pass after the run, once, and so is the end', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(change, { minLength: 4, maxLength: 14 }), async (changes) => {
      const trial = new Trial();
      for (const one of changes) {
        if ('need' in one) trial.configure(one);
        else for (const words of runsOf([one])) await trial.run(words);
      }
    }),
    { numRuns, seed: 20_261_129, includeErrorInReport: true },
  );
});
