import type { Step, Word } from './steps.ts';

/** A fault that the alerter once had. The model notices each when it is put back. */
export interface KnownBug {
  readonly name: string;
  /** True if the model found the fault; people found the others. */
  readonly isFoundByModel?: boolean;
  /** True if another test of the first tier notices the fault. */
  readonly hasTest?: boolean;
  readonly edits: readonly Edit[];
  /** A short story in which the fault breaks a promise. */
  readonly story: readonly Step[];
}

interface Edit {
  readonly file: string;
  /** Stands once in the file. */
  readonly before: string;
  readonly after: string;
}

/** Runs of the collector in which all clients but the first are well, with a pass after every so many. */
function ticks(word: Word, times: number, passEvery = 1): Step {
  return { kind: 'ticks', words: [word, 50, 50], times, passEvery };
}

export const knownBugs: readonly KnownBug[] = [
  {
    name: 'an alert is held back from everybody if anybody hears of the alert that stands for it',
    story: [ticks(96, 1, 2), ticks('fails', 1, 2), ticks('fails', 8)],
    edits: [
      {
        file: 'src/alerter/inhibit/inhibition.ts',
        before: 'const named = watchOf(standIn).listeners.get(recipient);',
        after: 'const [named] = [...watchOf(standIn).listeners.values()].filter(Boolean);',
      },
    ],
  },
  {
    name: 'a client is held back by the one that it stands on, although only others are notified of that',
    story: [
      { kind: 'silence', client: 'c1', rule: 'unreachable', minutes: 200 },
      { kind: 'ticks', words: ['fails', 50, 'fails'], times: 9, passEvery: 1 },
    ],
    edits: [
      {
        file: 'src/alerter/dispatch/recipient-news.ts',
        before: 'covers(named.get(name)) || own?.every(isTold)',
        after: 'covers(named.get(name)) || own !== null',
      },
    ],
  },
  {
    name: 'a value whose newest row is better is notified as bad',
    story: [ticks(96, 1, 2), ticks(50, 3)],
    edits: [
      {
        file: 'src/alerter/dispatch/recipient-news.ts',
        before: 'return isFree ? [...reasons, ...returning(planning, one, transition)] : reasons;',
        after: 'return reasons;',
      },
    ],
  },
  {
    name: 'what gets worse while it flaps is notified when the flapping has ended, twelve rows later',
    story: [ticks(88, 1), ticks(50, 2), ticks(88, 1), ticks(50, 2), ticks(88, 1), ticks(96, 8)],
    edits: [
      {
        file: 'src/alerter/inhibit/difference.ts',
        before: "if (alert.flapping && isWorse && !isReturning(alert)) return 'escalated';",
        after: '',
      },
      {
        file: 'src/alerter/transition/flapping.ts',
        before: 'const rowsToSettle = 3;',
        after: 'const rowsToSettle = 12;',
      },
    ],
  },
  {
    name: 'of several rules of one type and selector only one is evaluated',
    story: [{ kind: 'edit', edit: { field: 'limits', value: 'two' } }, ticks(96, 8)],
    edits: [
      {
        file: 'src/alerter/evaluate/sampler.ts',
        before: 'if (candidate.rule.also || rankOf(subject) === best) chosen.push(candidate);',
        after: 'if (rankOf(subject) === best) { chosen.push(candidate); break; }',
      },
    ],
  },
  {
    name: 'the notice of an outage is over for all when one person was reached',
    story: [
      { kind: 'server', to: 'ops', answer: 'later' },
      { kind: 'outage', topic: 'config-broken' },
      ticks(50, 2),
      { kind: 'server', to: 'ops', answer: 'takes' },
      ticks(50, 9),
    ],
    edits: [
      {
        file: 'src/notify/away-notices.ts',
        before: "if (fault === null && kind === 'away') state.keep(recipient, reached(known, before, now()));",
        after:
          "if (fault === null && kind === 'away') " +
          'for (const to of listed) state.keep(to, reached(known, before, now()));',
      },
      {
        file: 'src/notify/away-notices.ts',
        before: 'else if (fault === null || isGivenUp) state.keep(recipient, null);',
        after: 'else if (fault === null || isGivenUp) for (const one of recipients) state.keep(one, null);',
      },
    ],
  },
  {
    name: 'after one refused mail its reader is not notified until the next reminder',
    story: [
      { kind: 'server', to: 'ops', answer: 'refuses' },
      ticks(96, 2),
      { kind: 'server', to: 'ops', answer: 'takes' },
      ticks(96, 11),
    ],
    edits: [
      {
        file: 'src/alerter/deliver/deliver-mail.ts',
        before: "const isTriedAgain = isByPolicy || about === 'open' || (about === 'ended' && isRecent);",
        after: 'const isTriedAgain = isByPolicy;',
      },
    ],
  },
  {
    isFoundByModel: true,
    name: 'a mail that may have arrived is replaced when it is refused later',
    story: [
      { kind: 'server', to: 'ops', answer: 'loses the answer' },
      ticks(96, 1),
      { kind: 'server', to: 'ops', answer: 'refuses' },
      ticks(88, 5),
      { kind: 'server', to: 'ops', answer: 'takes' },
      ticks(88, 6),
    ],
    edits: [
      {
        file: 'src/alerter/deliver/deliver-mail.ts',
        before: 'fault instanceof TakenInPart || mail.dataAtMs !== null',
        after: 'fault instanceof TakenInPart',
      },
    ],
  },
  {
    isFoundByModel: true,
    hasTest: true,
    name: 'an escalation overtakes a mail that cannot be replaced as one of its alerts is not watched any more',
    story: [
      { kind: 'server', to: '', answer: 'refuses content' },
      { kind: 'ticks', words: [50, 88, 88], times: 2, passEvery: 1 },
      { kind: 'edit', edit: { field: 'second', value: 'retired' } },
      { kind: 'ticks', words: [50, 50, 96], times: 1, passEvery: 1 },
      { kind: 'server', to: 'dba', answer: 'takes' },
      { kind: 'ticks', words: [50, 50, 96], times: 1, passEvery: 1 },
    ],
    edits: [
      {
        file: 'src/alerter/dispatch/replace.ts',
        before: 'const replaces = waiting.filter((mail) => !staying.has(mail));',
        after:
          "const isOpen = (id: number) => alerts.some(({ alert }) => alert.id === id && alert.state === 'firing'); " +
          'const replaces = waiting.filter((mail) => mail.items.every(({ alertId }) => isOpen(alertId)));',
      },
    ],
  },
  {
    isFoundByModel: true,
    name: 'what ended under a clock that was set back is not notified again after a backup was restored',
    story: [
      { kind: 'backup' },
      { kind: 'ticks', words: [50, 50, 'fails'], times: 2, passEvery: 1 },
      { kind: 'leap', minutes: -180 },
      { kind: 'ticks', words: [50, 50, 50], times: 2, passEvery: 1 },
      { kind: 'restore' },
      { kind: 'ticks', words: [50, 50, 'fails'], times: 6, passEvery: 1 },
    ],
    edits: [
      {
        file: 'src/alerter/dispatch/forgotten.ts',
        before: '!(alert === named || isAbout(last, alert))',
        after: '!isAbout(last, alert)',
      },
    ],
  },
  {
    isFoundByModel: true,
    name: 'the end of an outage is not notified to whom the answer of the first notice was lost',
    story: [
      { kind: 'server', to: 'ops', answer: 'loses the answer' },
      { kind: 'outage', topic: 'config-broken' },
      ticks(50, 2),
      { kind: 'outage', topic: 'config-broken' },
      { kind: 'server', to: 'ops', answer: 'takes' },
      ticks(50, 9),
    ],
    edits: [
      {
        file: 'src/notify/away-notices.ts',
        before: "else if (mayHaveArrived && kind === 'away') state.keep(recipient, mayKnow(known, before, now()));",
        after: '',
      },
    ],
  },
  {
    isFoundByModel: true,
    hasTest: true,
    name: 'the end of an alert inside a silence waits for a row of a client that was retired meanwhile',
    story: [
      { kind: 'ticks', words: [50, 96, 50], times: 1, passEvery: 1 },
      { kind: 'silence', client: '*', rule: 'disk', minutes: 200 },
      ticks(50, 2),
      { kind: 'edit', edit: { field: 'second', value: 'retired' } },
      { kind: 'wait', minutes: 600 },
      ticks(50, 5),
    ],
    edits: [
      {
        file: 'src/alerter/inhibit/inhibition.ts',
        before: 'return rule !== null && foreseenBy(rule) === null;',
        after: 'return rule === null || foreseenBy(rule) === null;',
      },
    ],
  },
  {
    isFoundByModel: true,
    hasTest: true,
    name: 'the end is not notified to whom the answer of the first mail was lost if he left config.xml then',
    story: [
      { kind: 'server', to: 'oncall', answer: 'loses the answer' },
      ticks('fails', 2),
      { kind: 'edit', edit: { field: 'oncall', value: false } },
      ticks(50, 6),
    ],
    edits: [
      {
        file: 'src/storage/alerts/outbox.ts',
        before: 'if (dataAtMs === null) await session.run(forgetSql',
        after: 'await session.run(forgetSql',
      },
    ],
  },
  {
    isFoundByModel: true,
    hasTest: true,
    name: 'a client that is reached again inside a silence stays unreachable for a day if it sends no report',
    story: [
      ticks('fails', 2),
      { kind: 'silence', client: 'c1', rule: '', minutes: 200 },
      ticks(50, 4),
      ticks('mute', 14),
    ],
    edits: [
      {
        file: 'src/alerter/inhibit/inhibition.ts',
        before: 'visitConditions.includes(alert.rule) ? newestVisitMs : newestRowMs;',
        after: 'newestVisitMs === null ? newestVisitMs : newestRowMs;',
      },
    ],
  },
];
