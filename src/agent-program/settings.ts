import { hostname } from 'node:os';

import { dayMs, minuteMs, secondMs } from '../platform/units.ts';
import type { ProbeOptions } from '../report/wire.ts';
import { reportFormats, type ReportFormat } from './format-report.ts';
import { fieldsOf, type Fields } from './settings-fields.ts';
import { readSettingsFiles } from './settings-files.ts';

/** The bounds of the time between two reports: rates need ten seconds. */
export const everyBounds = { minimumMs: 10 * secondMs, maximumMs: dayMs } as const;

/** agent.json with agent.d/, checked. */
export interface AgentSettings {
  /** The name in reports: the host's unless agent.json says another. */
  readonly client: string;
  readonly options: ProbeOptions;
  /** null: standard output, which is the journal under systemd. */
  readonly logDirectory: string | null;
  /** null: /var/lib/fleet-health-agent if this account may use it, else a folder of the account's own. */
  readonly stateDirectory: string | null;
  readonly report: ReportSettings;
}

export interface ReportSettings {
  readonly everyMs: number;
  readonly format: ReportFormat;
  /** null: reports.jsonl in the state folder. */
  readonly file: string | null;
}

/** Reads the settings. Throws FleetError with the file, the key and what to do. */
export function readSettings(named: string | null): AgentSettings {
  const { values, fileOf } = readSettingsFiles(named);
  const fields = fieldsOf(values, '', fileOf);
  const settings = {
    client: fields.text('client') ?? hostname(),
    options: readOptions(fields.object('options')),
    logDirectory: readPath(fields, 'log_directory'),
    stateDirectory: readPath(fields, 'state_directory'),
    report: readReport(fields.object('report')),
  };
  fields.end();
  return settings;
}

/** Returns an absolute path; null if there is none. */
function readPath(fields: Fields, key: string): string | null {
  const value = fields.text(key);
  if (value !== null && !value.startsWith('/')) throw fields.fault(key, 'must be an absolute path');
  return value;
}

function readReport(fields: Fields | null): ReportSettings {
  const settings = {
    everyMs: fields?.duration('every', everyBounds.minimumMs, everyBounds.maximumMs) ?? minuteMs,
    format: fields?.choice('format', reportFormats) ?? 'json',
    file: fields === null ? null : readPath(fields, 'file'),
  };
  fields?.end();
  return settings;
}

function readOptions(fields: Fields | null): ProbeOptions {
  const options: Record<string, readonly string[]> = {};
  for (const key of ['units', 'processes', 'mounts', 'logs'] as const) {
    const texts = fields?.texts(key) ?? null;
    if (texts !== null) options[key] = texts;
  }
  fields?.end();
  return options;
}
