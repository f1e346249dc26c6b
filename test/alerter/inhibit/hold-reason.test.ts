/** The reasons that hold notifications back: the step of each, and whom it names. */
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { holdReasons, type HoldReason, type StepName } from '../../../src/alerter/inhibit/hold-reason.ts';

type Kind = HoldReason['kind'];

/** The reasons of each step, in the order in which `HoldReason` names them. */
const steps: readonly (readonly [step: StepName | null, ofEverybody: readonly Kind[], ofOne: readonly Kind[]])[] = [
  ['compare', [], ['flapping']],
  [
    'hold',
    ['silence', 'window', 'unconfirmed', 'returning', 'paused', 'acknowledged', 'run'],
    [
      ...([
        'unreachable',
        'isolated',
        'collector-silent',
        'collector-fault',
        'group-short',
        'bastion',
        'parent',
        'worse-rule',
        'nearly-full',
      ] as const),
      ...(['after', 'hours'] as const),
    ],
  ],
  ['left-behind', [], []],
  ['replace', [], ['older-mail']],
  ['postpone', [], ['group-interval', 'urgent-mails', 'cap']],
  ['make', [], []],
  [null, ['nobody'], []],
];
for (const [step, ofEverybody, ofOne] of steps) {
  test(`explain names the reasons of ${step ?? 'no step'} at it, and a recipient where the reason is one's own`, () => {
    const kinds = (isOwn: boolean): readonly string[] =>
      Object.entries(holdReasons).flatMap(([kind, one]) => (one.by === step && one.isOwn === isOwn ? [kind] : []));
    assert.deepEqual([kinds(false), kinds(true)], [ofEverybody, ofOne]);
  });
}
