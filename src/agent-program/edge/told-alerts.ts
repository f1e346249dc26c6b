import * as v from 'valibot';

import { isWritten, readPrivateFile } from '../../../agent/start/private-file.ts';
import { parseJson } from '../../platform/parse-json.ts';
import { type AlertLine, alertLine, type Evaluated } from './edge-evaluator.ts';
import type { LinesTarget } from './edge-settings.ts';

const toldFile = 'edge-told.json';
const maxToldBytes = 1024 * 1024;

const toldAlerts = v.object({ to: v.unknown(), alerts: v.array(alertLine) });

/** The last line about each open alert that a receiver was sent, by rule and subject. */
type Told = ReadonlyMap<string, AlertLine>;

/**
 * Opens the record of the lines that a receiver was sent. Returns a function that returns the lines that the receiver
 * lacks after a report: the changes, and whatever differs from the record. Alerts that began or ended while nothing was
 * sent are among them.
 */
export function openToldAlerts(to: LinesTarget, place: string) {
  let told = readTold(to, place);
  return ({ changes, open }: Pick<Evaluated, 'changes' | 'open'>, atMs: number): readonly AlertLine[] => {
    const present = new Map(open.map((line) => [keyOf(line), line] as const));
    const changed = new Set(changes.map(keyOf));
    const missed = open.filter((line) => !changed.has(keyOf(line)) && !isSame(told.get(keyOf(line)), line));
    const ended = [...told].flatMap(([key, line]): readonly AlertLine[] =>
      present.has(key) || changed.has(key) ? [] : [{ ...line, state: 'resolved', at: new Date(atMs).toISOString() }],
    );
    const lines = [...changes, ...missed, ...ended];
    if (lines.length === 0) return lines;
    told = present;
    // If the disk is full, the receiver may be sent the open alerts again after a restart.
    isWritten(place, toldFile, Buffer.from(JSON.stringify({ to, alerts: open })), true);
    return lines;
  };
}

function keyOf({ rule, subject }: AlertLine): string {
  return `${rule}\0${subject}`;
}

function isSame(told: AlertLine | undefined, { state, severity }: AlertLine): boolean {
  return told?.state === state && told.severity === severity;
}

/** Returns the stored record; an empty one for another receiver, and if there is none or it is damaged. */
function readTold(to: LinesTarget, place: string): Told {
  const kept = parseJson(toldAlerts, readPrivateFile(`${place}/${toldFile}`, maxToldBytes) ?? '');
  if (kept === null || JSON.stringify(kept.to) !== JSON.stringify(to)) return new Map();
  return new Map(kept.alerts.map((line) => [keyOf(line), line]));
}
