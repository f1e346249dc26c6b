// Second tier: a hundred incidents of simulated fleets through real runs, or four hundred; the first tier has one.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import { isLong, isWide } from '../../support/long-tests.ts';
import { skipWithoutMariadb, startMariadb } from '../../support/databases/mariadb.ts';
import { type Incidents, type LabOptions, openLab, type Outcome } from './support/incident-lab.ts';
import { causelessIncident, day, type Incident, plantedIncident, type Story } from './support/fleet-story.ts';

const startMs = Date.UTC(2026, 8, 1);
/** The days of history before the first incident. */
const historyDays = 31;

/** The number of incidents by result: in the first three of `explain`, in the mail, behind another one in the mail. */
interface Scores {
  ranked: number;
  named: number;
  other: number;
}

function score(scores: Scores, { edits }: Incident, { found, lines }: Outcome): void {
  const sets = found?.sets ?? [];
  const rank = sets.findIndex(({ changes }) =>
    changes.some((change) => edits.some(({ kind, item }) => kind === change.kind && item === change.item)),
  );
  const [first] = sets;
  const word = sets[rank]?.changes[0]?.item.split(' ', 1)[0] ?? '';
  if (rank >= 0 && rank < 3) scores.ranked += 1;
  if (rank >= 0 && sets[rank]?.verdict === 'named' && lines.some((line) => line.includes(word))) scores.named += 1;
  if (first?.verdict === 'named' && rank !== 0) scores.other += 1;
}

/** Plays incidents, one a day, and counts the results. */
async function play(
  t: TestContext,
  story: Story,
  count: number,
  incidents: Incidents,
  options: LabOptions = {},
): Promise<Scores> {
  const lab = await openLab(t, story, options);
  const scores = { ranked: 0, named: 0, other: 0 };
  for (let index = 0; index < count; index++) {
    const aroundMs = startMs + (historyDays + index) * day;
    lab.liveUntil(aroundMs + 2 * day);
    const incident = incidents(story, index, aroundMs);
    score(scores, incident, await lab.play(incident));
  }
  t.diagnostic(JSON.stringify({ ...story, count, ...scores }));
  return scores;
}

/** Two or seven of each kind of cause, and one more. */
const planted = isLong ? 50 : 15;
const causeless = isLong ? 200 : 50;

for (const [size, least] of [
  [80, 75],
  [20, 60],
  [6, 45],
  [1, 35],
] as const) {
  test(
    `a mail names ${least} of 100 planted causes in a group of ${size}`,
    { skip: !isWide, timeout: 1_800_000 },
    async (t) => {
      const { ranked, named, other } = await play(t, { seed: 11, size, startMs }, planted, plantedIncident);
      assert.ok(
        ranked >= 0.9 * planted && named >= (least / 100) * planted && other <= 1,
        JSON.stringify({ ranked, named, other }),
      );
    },
  );
}

test(
  'mails about alerts without a cause name one at most five times in 200',
  { skip: !isWide, timeout: 1_800_000 },
  async (t) => {
    const { other } = await play(t, { seed: 12, size: 20, startMs }, causeless, causelessIncident);
    assert.ok(other <= Math.ceil((5 / 200) * causeless), String(other));
  },
);

test('a planted cause of a small group is found through real runs', async (t) => {
  const { ranked, other } = await play(t, { seed: 11, size: 6, startMs: startMs + 25 * day }, 1, plantedIncident);
  assert.deepEqual([ranked, other], [1, 0]);
});

const onMariadb = { skip: isWide ? skipWithoutMariadb : 'is run by npm run test:wide', timeout: 1_800_000 };

test('a mail names 60 of 100 planted causes also where the database is MariaDB', onMariadb, async (t) => {
  const mariadb = await startMariadb();
  t.after(() => mariadb.stop());
  const { storage: database } = await mariadb.createDatabase();
  const story = { seed: 11, size: 20, startMs };
  const { ranked, named, other } = await play(t, story, planted, plantedIncident, { database });
  assert.ok(ranked >= 0.9 * planted && named >= 0.6 * planted && other <= 1, JSON.stringify({ ranked, named, other }));
});
