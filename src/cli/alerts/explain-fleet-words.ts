import type { FleetExplained } from '../../alerter/explain/explain-fleet.ts';
import { escapeControls } from '../../log.ts';
import { counted } from '../../text/numbers.ts';
import { sealedJson, sealedLines } from '../status/sealed-words.ts';
import { jsonTime, type ReaderTime } from '../terminal/reader-time.ts';

/** Lists the collectors, and the bastions that cannot be reached with the number of clients behind them. */
export function fleetLines(
  { collectors, silenceJudgedFromMs, bastions, sealed }: FleetExplained,
  time: ReaderTime,
  nowMs: number,
): readonly string[] {
  const lines = collectors.map(({ id, host, lastFinishedMs }) =>
    lastFinishedMs === null
      ? `No full run of collector ${id} on ${host} has finished in the last seven days.`
      : `The last full run of collector ${id} on ${host} finished at ${time.momentAndAge(lastFinishedMs)}.`,
  );
  if (lines.length === 0) lines.push('No collector has made a full run in the last seven days.');
  if (silenceJudgedFromMs !== null) {
    lines.push(
      `Silence is judged from ${time.moment(silenceJudgedFromMs)} on: until then it might have been the database's.`,
    );
  }
  for (const { name, behind } of bastions) {
    lines.push(
      `Bastion ${name} is gone: of ${counted(behind, 'client')} behind it none can be reached. fleet-health explain CLIENT unreachable says more of each.`,
    );
  }
  lines.push(...sealedLines(sealed, nowMs));
  return lines.map(escapeControls);
}

/** The state of collectors and bastions as JSON. */
export function fleetJson({ collectors, silenceJudgedFromMs, bastions, sealed }: FleetExplained): object {
  return {
    fleet: true,
    collectors: collectors.map(({ id, host, lastFinishedMs }) => ({
      id,
      host,
      last_finished_at: jsonTime(lastFinishedMs),
    })),
    silence_judged_from: jsonTime(silenceJudgedFromMs),
    sealed: sealedJson(sealed),
    bastions_gone: bastions.map(({ name, behind }) => ({ name, behind })),
  };
}
