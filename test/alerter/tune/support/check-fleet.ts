import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';

import type { ReplayedMail, ReplayResult } from '../../../../src/alerter/replay/replay.ts';
import { mailsLeft, tune, type TuneResult } from '../../../../src/alerter/tune/tune.ts';
import { loadConfig } from '../../../../src/config/load-config.ts';
import { applyEdits } from './apply-edit.ts';
import { plantFleet, type PlantedFleet, type PlantedOptions, rowMs, startMs } from './planted-fleet.ts';

const dayRows = 288;
const dayAt = (day: number): number => rowMs(day * dayRows);

/** Runs `tune` on the days that it may read. */
export async function tuned({ config, tree, storage, days }: PlantedFleet): Promise<TuneResult> {
  const untilMs = dayAt(days.read);
  return await tune({
    ...{ config, tree, storage, sinceMs: startMs, untilMs, withinMs: 3_600_000 },
    ...{ signal: new AbortController().signal, replayMs: 600_000 },
    observe: () => undefined,
  });
}

/** Counts the mails of a span that are about noise alone, by kind. */
function noiseMails({ cause }: PlantedFleet, mails: readonly ReplayedMail[], fromMs: number, toMs: number) {
  const counts: Record<string, number> = { all: 0 };
  for (const { atMs, items } of mails) {
    if (atMs < fromMs || atMs >= toMs) continue;
    const kinds = items.map((item) => cause(item, atMs)?.noise ?? null);
    const [kind = null] = kinds;
    if (kind === null || kinds.includes(null)) continue;
    counts['all'] = (counts['all'] ?? 0) + 1;
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

/** Returns the planted incidents of more than an hour that no alert tells. */
function lost({ planted, ruleOf }: PlantedFleet, { alerts }: ReplayResult, fromMs: number) {
  return planted.filter(
    ({ noise, rows, fromRow, client, what }) =>
      noise === null &&
      rows > 12 &&
      rowMs(fromRow) >= fromMs &&
      !alerts.some(
        (alert) =>
          alert.client === client &&
          alert.rule === ruleOf(what) &&
          alert.beginMs < rowMs(fromRow + rows) &&
          (alert.endMs ?? Infinity) > rowMs(fromRow),
      ),
  );
}

async function checkFleet(t: TestContext, options: PlantedOptions) {
  const fleet = await plantFleet(t, options);
  const [lastMs, untilMs] = [dayAt((fleet.days.read * 2) / 3), dayAt(fleet.days.read)];
  const result = await tuned(fleet);
  const edits = result.lines.flatMap(({ proposal }) => proposal?.edit ?? []);
  applyEdits(fleet.file, edits);
  const after = await fleet.replayed(loadConfig({ file: fleet.file }), lastMs, dayAt(fleet.days.all));
  const { verified } = result;
  assert.ok(verified !== null);
  const { mailsBefore, promised, mails } = verified;
  const onLines = result.lines.reduce((sum, line) => sum + (mailsLeft(result, line) ?? line.mails), result.otherMails);
  const noise = result.lines.flatMap((line) => line.noise);
  const wrong = noise.filter((alert) => {
    const found = fleet.cause(alert, alert.pendingSinceMs);
    return found !== null && found.noise === null && (found.mended !== null || found.acked);
  });
  const before = fleet.history.mails;
  const figures = {
    ...{ ...options, edits: edits.length, mailsBefore, promised, replayed: mails, onLines },
    last: [noiseMails(fleet, before, lastMs, untilMs), noiseMails(fleet, after.mails, lastMs, untilMs)],
    next: [noiseMails(fleet, before, untilMs, Infinity), noiseMails(fleet, after.mails, untilMs, Infinity)],
    ...{ lost: lost(fleet, after, lastMs).length, wrong: wrong.length },
  };
  t.diagnostic(JSON.stringify(figures));
  return figures;
}

/** Checks that the edits, made in the file, quiet two thirds of the noise, lose nothing, and keep their promise. */
export async function quiets(t: TestContext, options: PlantedOptions): Promise<void> {
  const { mailsBefore, promised, replayed, onLines, last, lost: missing, wrong } = await checkFleet(t, options);
  assert.deepEqual({ missing, wrong }, { missing: 0, wrong: 0 });
  const [was, is] = last.map(({ all = 0 }) => all);
  assert.ok((is ?? 0) <= (was ?? 0) / 3, `${is} of ${was} mails about noise are left`);
  const [prevents, prevented] = [mailsBefore - promised, mailsBefore - replayed];
  assert.ok(prevents <= prevented && prevents >= 0.9 * prevented, `${prevents} of ${prevented} are promised`);
  assert.ok(replayed <= onLines, `the lines leave ${onLines} of ${replayed} mails`);
}
