import assert from 'node:assert/strict';
import { test } from 'node:test';

import { chartSpan, drawChart, drawSparkline } from '../../../src/alerter/compose/sparkline.ts';
import type { SeriesPoint } from '../../../src/storage/store/notification-store.ts';
import { configOf } from '../support/config-of.ts';
import { itemFor, type Said } from '../support/due-mails.ts';
import { at } from '../support/rows.ts';

/** Returns points at the middle of each of the columns. */
function draw(values: readonly (number | null)[], columns = values.length): ReturnType<typeof drawSparkline> {
  const points: SeriesPoint[] = values.map((value, index) => ({ atMs: 1000 + index * 100 + 50, value }));
  return drawSparkline({ points, fromMs: 1000, untilMs: 1000 + values.length * 100, columns });
}

const cases: readonly {
  readonly name: string;
  readonly values: readonly (number | null)[];
  readonly text: string | null;
}[] = [
  { name: 'a rise uses every level', values: [0, 1, 2, 3, 4, 5, 6, 7], text: '▁▂▃▄▅▆▇█' },
  { name: 'a fall', values: [7, 6, 5, 4, 3, 2, 1, 0], text: '█▇▆▅▄▃▂▁' },
  { name: 'gaps show', values: [0, null, null, 7], text: '▁··█' },
  { name: 'what hardly changes is drawn so', values: [96.0, 96.1, 96.0, 96.2], text: '▄▅▄▅' },
  { name: 'zeros are low', values: [0, 0, 0], text: '▁▁▁' },
  { name: 'below zero', values: [-10, 0], text: '▁█' },
  { name: 'what is not a number is a gap', values: [NaN, Infinity, 1, 9], text: '··▁█' },
  { name: 'nothing known', values: [null, null], text: null },
  { name: 'nothing at all', values: [], text: null },
];

for (const { name, values, text } of cases) {
  test(`blocks: ${name}`, () => {
    assert.equal(draw(values)?.text ?? null, text);
  });
}

test('a column is as high as its largest value, so that peaks show', () => {
  assert.deepEqual(draw([0, 99, 0, 0, 0, 0], 3), { text: '█▁▁', least: 0, most: 99 });
});

test('what lies before and after is left out, both ends belong to it', () => {
  const points = [
    { atMs: 999, value: 1000 },
    { atMs: 1000, value: 1 },
    { atMs: 2000, value: 9 },
    { atMs: 2001, value: 1000 },
  ];
  assert.deepEqual(drawSparkline({ points, fromMs: 1000, untilMs: 2000, columns: 4 }), {
    text: '▁··█',
    least: 1,
    most: 9,
  });
});

const config = configOf(`
  <smtp host="mail.example.org" from="f@example.org"/>
  <alerts zone="UTC"><mail to="ops@example.org"/>
    <alert name="disk" type="disk" warning="90%"/><alert name="disk-full" type="disk-full" limit="3d"/>
    <alert name="inodes-full" type="inodes-full" limit="3d"/></alerts>
  <client name="web-1" ip="192.0.2.1" username="u"/>`);
const nowMs = at('10:05');
const [hourMs, dayMs] = [3_600_000, 86_400_000];
const itemOf = (over: Partial<Said>): ReturnType<typeof itemFor> =>
  itemFor(config, { client: 'web-1', rule: 'disk', subject: '/', transition: 'firing', ...over });

/** The time span of a chart, in hours before now. */
const spans: readonly (readonly [what: string, over: Partial<Said>, from: number, until: number])[] = [
  ['what fires: the last day', {}, 24, 0],
  ['a forecast: the 35 days that it follows from', { rule: 'disk-full' }, 35 * 24, 0],
  ['what just ended: the last day', { transition: 'resolved', resolvedAtMs: nowMs }, 24, 0],
  ['what ended earlier: an hour more', { transition: 'resolved', resolvedAtMs: nowMs - 3 * hourMs }, 26, 2],
  [
    'what lasted longer than a day: from an hour before it',
    { transition: 'resolved', resolvedAtMs: nowMs - 3 * hourMs, pendingSinceMs: nowMs - 40 * hourMs },
    41,
    2,
  ],
];
for (const [what, over, from, until] of spans) {
  test(`span of ${what}`, () => {
    const { fromMs, untilMs } = chartSpan(itemOf(over), nowMs);
    assert.deepEqual([(nowMs - fromMs) / hourMs, (nowMs - untilMs) / hourMs], [from, until]);
  });
}

/** Draws the same value, or two, in the last hour. */
function label(over: Partial<Said>, values: readonly number[]): ReturnType<typeof drawChart> {
  const item = itemOf(over);
  const points = values.map((value, index) => ({ atMs: nowMs - (values.length - index) * 60_000, value }));
  return drawChart(item, { charts: new Map([[item.alertId, points]]), reader: { zone: 'UTC', nowMs } });
}

test('a chart names its span and its values, in the unit of its rule', () => {
  assert.deepEqual(label({}, [90, 96]), { blocks: `${'·'.repeat(23)}▇`, label: '24 h, 90 % to 96 %' });
  assert.equal(label({}, [96, 96])?.label, '24 h, 96 % throughout');
  assert.equal(label({ rule: 'strange' }, [1.04, 2.06])?.label, '24 h, 1 to 2.1');
  const forecast = label({ rule: 'disk-full' }, [1_073_741_824, 2_147_483_648]);
  assert.equal(forecast?.blocks.length, 35);
  assert.equal(forecast.label, '35 d, 1 GiB to 2 GiB');
  assert.equal(label({ rule: 'inodes-full' }, [90, 96])?.label, '35 d, 90 % to 96 %');
  const ended = { transition: 'resolved', resolvedAtMs: nowMs - 3 * hourMs } as const;
  const item = itemOf(ended);
  const points = [{ atMs: nowMs - 3 * hourMs, value: 91 }];
  const drawn = drawChart(item, { charts: new Map([[item.alertId, points]]), reader: { zone: 'UTC', nowMs } });
  assert.equal(drawn?.label, 'Thu 19 Nov 08:05 to 08:05, 91 % throughout');
});

test('there is no chart of what is not known', () => {
  assert.equal(label({}, []), null);
  const reader = { zone: 'UTC', nowMs };
  assert.equal(drawChart(itemOf({}), { charts: new Map(), reader }), null);
  const item = itemOf({});
  const old = [{ atMs: nowMs - dayMs - 1, value: 1 }];
  assert.equal(drawChart(item, { charts: new Map([[item.alertId, old]]), reader }), null);
});
